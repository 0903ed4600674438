"""`python -m node`: the `remarque` command, for whoever has the source and no script."""

from node.cli.main import main

if __name__ == "__main__":
    main()
