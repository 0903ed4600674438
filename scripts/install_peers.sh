#!/bin/sh
# What `make test-peers` needs beside pip's packages: Chromium, Node 18 or newer with npm and a few of its packages, and
# faketime.
# Quick when everything is there. Otherwise installs what it may, or ends with the line that does it.
set -eu

NODE_MAJOR_MIN=18

fail() {
    printf '%s\n' "install_peers: $1" "fix: $2" >&2
    exit 1
}

# One package of Debian or Ubuntu, by the program it brings.
need_package() {
    program=$1 package=$2
    command -v "$program" >/dev/null 2>&1 && return
    command -v apt-get >/dev/null 2>&1 ||
        fail "$program is missing and this system has no apt-get" "install $package so that \`$program\` is on the PATH"
    [ "$(id -u)" -eq 0 ] ||
        fail "$program is missing and only root may install it" "sudo apt-get update && sudo apt-get install -y $package"
    if [ -z "${updated:-}" ]; then
        apt-get update -q || fail "the package lists could not be read" "apt-get update"
        updated=1
    fi
    DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends "$package" ||
        fail "$package could not be installed" "apt-get install -y $package"
    command -v "$program" >/dev/null 2>&1 || fail "$package brought no \`$program\`" "put \`$program\` on the PATH"
}

need_node() {
    fix="install Node $NODE_MAJOR_MIN or newer, e.g. apt-get install -y nodejs, and put \`node\` on the PATH"
    command -v node >/dev/null 2>&1 || fail "node is missing" "$fix"
    found=$(node -p 'process.versions.node.split(".")[0]') || fail "node does not run" "$fix"
    [ "$found" -ge "$NODE_MAJOR_MIN" ] || fail "node is version $found" "$fix"
}

# The packages of a test, exactly those of its lock. None of their own programs runs while they are installed.
need_packages() {
    folder=$(dirname "$0")/../tests/$1
    cmp -s "$folder/package-lock.json" "$folder/node_modules/installed-lock.json" && return
    command -v npm >/dev/null 2>&1 || fail "npm is missing" "install npm, e.g. apt-get install -y npm"
    npm ci --prefix "$folder" --ignore-scripts --no-audit --no-fund ||
        fail "npm could not install $folder" "npm ci --prefix $folder --ignore-scripts"
    cp "$folder/package-lock.json" "$folder/node_modules/installed-lock.json"
}

need_package chromium chromium
need_package faketime faketime
need_node
need_packages openapi/typescript
need_packages content/ipfs
