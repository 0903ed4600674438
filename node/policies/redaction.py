"""How much of an explanation a reader sees: the party that asked, the asset's owner, or an auditor.

Everybody sees which rule decided, and why in its author's words. The party sees what the rules read of its request, of
the block, and of itself (a sale is decided for the seller, so not of the buyer who signed); the owner what they read of
the asset and the token too; an auditor everything. What is left out is named, without its value. The digest in the
outcome is of the whole.
"""

from __future__ import annotations

from collections.abc import Iterable

from msgspec.structs import replace

from contracts_vm.lexer import lexemes
from ledger.actions import subjects
from ledger.execution.view import Ledger
from ledger.policy_source import SCHEMA
from ledger.records import Account, Asset, Token, account_key, asset_key, token_key
from ledger.transaction import SignedTransaction
from remarque.api.explanations import Explanation, Part

REQUEST = ("block", "tx")
PARTY = (*REQUEST, "requester", "grant")
OWNER = (*PARTY, "asset", "token")
AUDITOR = "auditor"
"""Role whose holders see everything."""


def explained(
    ledger: Ledger, reader: str, signed: SignedTransaction, explanations: Iterable[Explanation]
) -> tuple[Explanation, ...]:
    """The explanations of a transaction as an account may see them."""
    level = _level_of(ledger, reader, signed)
    return tuple(_shown(one, level) for one in explanations)


def _level_of(ledger: Ledger, reader: str, signed: SignedTransaction) -> tuple[str, ...] | None:
    """Roots whose values a reader may see in what a transaction caused; None: all."""
    account = ledger.find(account_key(reader), Account) if reader else None
    if account is None:
        return ()
    if AUDITOR in account.roles:
        return None
    about = sorted({subject for ask in signed.transaction.actions for subject in subjects(ask)})
    tokens_about = [token for one in about if (token := ledger.find(token_key(one), Token)) is not None]
    assets = [asset for one in about if (asset := ledger.find(asset_key(one), Asset)) is not None]
    if reader in {*(token.owner for token in tokens_about), *map(ledger.owner, assets)}:
        return OWNER
    return PARTY if any(signer.account == reader for signer in signed.transaction.signers) else ()


def _shown(explanation: Explanation, level: tuple[str, ...] | None) -> Explanation:
    if level is None:
        return explanation
    return redacted(explanation, REQUEST if level == PARTY and explanation.action == "sale" else level)


def redacted(explanation: Explanation, roots: tuple[str, ...]) -> Explanation:
    """An explanation with the values of those parts alone that read nothing but some roots."""
    rules = (replace(rule, why=tuple(_part(part, roots) for part in rule.why)) for rule in explanation.rules)
    return replace(explanation, rules=tuple(rules))


def _part(part: Part, roots: tuple[str, ...]) -> Part:
    return part if _reads(part.expr) <= set(roots) else Part(expr=part.expr, withheld=True)


def _reads(expression: str) -> set[str]:
    """Roots that an expression names, be it as the field of something: rather too many than too few."""
    return {lexeme.text for lexeme in lexemes(expression) if lexeme.kind == "name" and lexeme.text in SCHEMA.roots}
