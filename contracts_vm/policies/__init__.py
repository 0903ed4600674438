"""Policies that come with the package, as the sources that a consortium can read, copy and change."""

from importlib.resources import files

UNPAID = "\n  // Where nothing is paid,"
"""Begins the last part of the default policy, which needs a currency."""


def default_policy_source(currency: str = "EUR") -> str:
    """The policy of an asset that names no other, for the schema remarque@1.

    Where nothing is paid, a unit of the currency is due to the creators; without a currency that part is left out.
    """
    source = files(__name__).joinpath("asset_default.policy").read_text(encoding="utf-8")
    return source.replace("1 EUR;", f"1 {currency};") if currency else source[: source.index(UNPAID)] + "}\n"
