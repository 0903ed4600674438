"""The `remarque` command. Its `--help` is the reference; every command prints JSON with `--json`."""
