"""Policies that come with the package, as the sources that a consortium can read, copy and change."""

from importlib.resources import files


def default_policy_source() -> str:
    """The policy of an asset that names no other, for the schema remarque@1."""
    return files(__name__).joinpath("asset_default.policy").read_text(encoding="utf-8")
