"""Version of the installed software."""

from importlib.metadata import PackageNotFoundError
from importlib.metadata import version as installed_version


def version() -> str:
    """Version of the installed distribution."""
    try:
        return installed_version("remarque")
    except PackageNotFoundError:
        return "0+uninstalled"
