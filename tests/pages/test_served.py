"""What a node serves as its pages: complete, locked down, and nothing from elsewhere."""

from __future__ import annotations

import hashlib
import json
import re
import urllib.error
import urllib.request
from email.message import Message
from importlib.resources import files

import pytest

from devnet.cluster import Cluster

PAGES = files("node").joinpath("pages")
TYPES = {"html": "text/html", "js": "text/javascript", "css": "text/css", "svg": "image/svg+xml"}
NAMES = sorted(file.name for file in PAGES.iterdir() if file.name.rpartition(".")[2] in TYPES)
VENDORED = json.loads(PAGES.joinpath("vendored.json").read_text(encoding="utf-8"))
"""Files that others wrote, with where they are from."""
NAMESPACES = {"http://www.w3.org/2000/svg"}
"""Names that look like addresses; nothing is fetched from them."""


@pytest.fixture
def served(open_chain: Cluster) -> str:
    """Address of a node that serves the pages."""
    return open_chain.url("node1")


def get(url: str) -> tuple[int, Message, bytes]:
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return answer.status, answer.headers, answer.read()
    except urllib.error.HTTPError as refused:
        with refused:
            return refused.code, refused.headers, refused.read()


def text(name: str) -> str:
    return PAGES.joinpath(name).read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("path", "name"), [("/", "index.html"), ("/assets/" + "0" * 64, "asset.html"), ("/docs", "docs.html")]
)
def test_the_pages_are_served_to_anyone(served: str, path: str, name: str) -> None:
    status, headers, body = get(served + path)

    assert (status, headers.get_content_type()) == (200, "text/html")
    assert body == PAGES.joinpath(name).read_bytes()


@pytest.mark.parametrize("name", [*NAMES, *(one["file"] for one in VENDORED)])
def test_every_file_is_served_with_its_type_and_locked_down(served: str, name: str) -> None:
    status, headers, body = get(f"{served}/pages/{name}")

    assert (status, headers.get_content_type()) == (200, TYPES[name.rpartition(".")[2]])
    assert body == PAGES.joinpath(name).read_bytes()
    policy = dict(part.split(" ", 1) for part in headers["Content-Security-Policy"].split("; "))
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == policy["connect-src"] == "'self'"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "no-referrer"


@pytest.mark.parametrize(
    "name",
    [
        "",
        "none.js",
        "..%2f__init__.py",
        "%2e%2e/run.py",
        "..%5crun.py",
        "__pycache__",
        "vendored.json",
        "vendored",
        "vendored/swagger-ui.LICENSE.txt",
    ],
)
def test_nothing_beside_the_pages_is_served(served: str, name: str) -> None:
    status, headers, body = get(f"{served}/pages/{name}")

    assert (status, headers.get_content_type()) == (404, "application/problem+json")
    assert json.loads(body)["code"] == "ROUTE_UNKNOWN"


@pytest.mark.parametrize("name", NAMES)
def test_a_file_refers_only_to_files_that_exist(name: str) -> None:
    referred = re.findall(r'(?:href|src)="/pages/([^"]*)"|from "\./([^"]*)"', text(name))

    assert {one or other for one, other in referred} <= {*NAMES, *(one["file"] for one in VENDORED)}


def test_every_file_is_referred_to() -> None:
    everything = "".join(text(name) for name in NAMES)

    assert [name for name in NAMES if name not in everything and not name.endswith(".html")] == []


@pytest.mark.parametrize("entry", VENDORED, ids=[one["file"] for one in VENDORED])
def test_a_vendored_file_is_what_its_package_has_and_its_licence_lies_beside_it(entry: dict[str, str]) -> None:
    assert set(entry) == {
        *("file", "registry", "package", "version", "path", "licence", "licence_file", "sha256", "shown_on"),
    }  # fmt: skip
    assert hashlib.sha256(PAGES.joinpath(entry["file"]).read_bytes()).hexdigest() == entry["sha256"]
    assert entry["licence"] == "Apache-2.0"
    assert "Apache License" in PAGES.joinpath(entry["licence_file"]).read_text(encoding="utf-8")


def test_every_file_that_others_wrote_is_listed() -> None:
    listed = {one["file"] for one in VENDORED} | {one["licence_file"] for one in VENDORED}

    assert {f"vendored/{file.name}" for file in PAGES.joinpath("vendored").iterdir()} == listed


@pytest.mark.parametrize("name", NAMES)
def test_no_outside_address_stands_in_a_file(name: str) -> None:
    assert set(re.findall(r"(?:https?:|wss?:)?//[a-z0-9.-]+\.[a-z]{2,}[^\s\"'`)]*", text(name))) <= NAMESPACES


@pytest.mark.parametrize("name", [name for name in NAMES if name.endswith(".html")])
def test_a_page_has_no_inline_script_or_style(name: str) -> None:
    assert re.search(r"<style|\sstyle=|\son[a-z]+=|<script(?![^>]*\ssrc=)|javascript:", text(name)) is None


@pytest.mark.parametrize("name", [name for name in NAMES if name.endswith(".js")])
def test_no_script_reads_text_as_markup_or_code(name: str) -> None:
    assert (
        re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function", text(name)) is None
    )
