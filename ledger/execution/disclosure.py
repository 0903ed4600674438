"""Who may read a generation's settings in clear: fewer than everybody at first, more later, and in the end nobody.

The chain holds commitments alone, so all of this is about the openings beside it: which members keep them, and to whom
they give them. A creator can widen that, for it needs nobody's consent but theirs, and never narrow it, for what was
read was read. Erased is final: members destroy the openings, and a commitment without its salt tells nothing.
"""

from __future__ import annotations

from msgspec import UNSET, UnsetType
from msgspec.structs import replace

from ledger.actions import DiscloseSettings, EraseSettings
from ledger.errors import Code, LedgerError
from ledger.events import SettingsDisclosed, SettingsErased
from ledger.execution.context import Context, action
from ledger.execution.view import Ledger
from ledger.generation import COUNT_MAX, READERS_MAX, GenerationRequest, WithheldSetting
from ledger.names import ADMINISTRATOR, org_of
from ledger.records import Disclosure, disclosure_key, request_key


def check_withheld(ledger: Ledger, request: GenerationRequest) -> None:
    """REQUEST_INVALID, or ACCOUNT_UNKNOWN, unless what a request withholds are settings of its own, each said once."""
    fields = [one.field for one in request.reading]
    unknown = set(fields) - set(request.commitments.fields())
    if unknown or len(set(fields)) < len(fields):
        fault = f"it commits to no {min(unknown)}" if unknown else "it withholds a setting twice"
        raise LedgerError(Code.REQUEST_INVALID, f"request {request.id[:16]}…: {fault}")
    for reader in {reader for one in request.reading for reader in one.readers}:
        ledger.account(reader)


def open_disclosure(ledger: Ledger, generator: str, request: GenerationRequest) -> None:
    """Keep who may read a request's settings, with its first recorded picture."""
    if ledger.holds(disclosure_key(request.id)):
        return
    made = Disclosure(
        request=request.id,
        creator=request.creator,
        generator=generator,
        commitments=request.commitments,
        withheld=request.reading,
    )
    ledger.put(disclosure_key(request.id), made)


@action(DiscloseSettings)
def disclose(ledger: Ledger, tx: Context, ask: DiscloseSettings) -> None:
    """Let everybody, or further accounts, read settings that were withheld from them."""
    before = ledger.disclosure(ask.request)
    tx.require_signer(before.creator, Code.CREATOR_MISSING)
    _check_kept(before, ask.fields)
    readers = () if ask.readers is UNSET else ask.readers
    for reader in readers:
        ledger.account(reader)
    withheld = tuple(
        after
        for one in before.withheld
        for after in (_widened(one, ask.readers) if one.field in ask.fields else (one,))
    )
    if withheld == before.withheld:
        whom = ", ".join(readers) or "everybody"
        raise LedgerError(Code.NOTHING_TO_CHANGE, f"{whom} may read {', '.join(ask.fields)} already")
    ledger.put(disclosure_key(ask.request), replace(before, withheld=withheld))
    assets = _pictures(ledger, ask.request)
    tx.emit(SettingsDisclosed(request=ask.request, assets=assets, fields=ask.fields, readers=ask.readers))


@action(EraseSettings)
def erase(ledger: Ledger, tx: Context, ask: EraseSettings) -> None:
    """Have settings destroyed, public ones too: by their creator, or by an administrator of that one's org, for people
    ask for it who have left.
    """
    before = ledger.disclosure(ask.request)
    if not (org_of(tx.signer) == org_of(before.creator) and ADMINISTRATOR in tx.accounts[tx.signer].roles):
        tx.require_signer(before.creator, Code.CREATOR_MISSING)
    _check_kept(before, ask.fields)
    erased = (*before.erased, *sorted(set(ask.fields)))
    withheld = tuple(one for one in before.withheld if one.field not in erased)
    ledger.put(disclosure_key(ask.request), replace(before, withheld=withheld, erased=erased))
    tx.emit(SettingsErased(request=ask.request, assets=_pictures(ledger, ask.request), fields=ask.fields))


def _check_kept(found: Disclosure, fields: tuple[str, ...]) -> None:
    """Refuse settings that a request does not have, or that were erased."""
    for field in fields:
        if field not in found.commitments.fields():
            known = ", ".join(found.commitments.fields())
            raise LedgerError(Code.SETTING_UNKNOWN, f"it commits to no {field}; it does to {known}")
        if field in found.erased:
            raise LedgerError(Code.SETTING_ERASED, f"{field} was erased; its commitment is all that is left")


def _widened(one: WithheldSetting, readers: tuple[str, ...] | UnsetType) -> tuple[WithheldSetting, ...]:
    """What is left of a withheld setting: nothing once everybody may read it."""
    if readers is UNSET:
        return ()
    named = (*one.readers, *(reader for reader in dict.fromkeys(readers) if reader not in one.readers))
    if len(named) > READERS_MAX:
        fact = f"{one.field} would be open to {len(named)} accounts by name, at most {READERS_MAX}"
        raise LedgerError(Code.READERS_FULL, f"{fact}; disclose it to everybody")
    return (replace(one, readers=named),)


def _pictures(ledger: Ledger, request: str) -> tuple[str, ...]:
    found = (ledger.find(request_key(request, index), str) for index in range(COUNT_MAX))
    return tuple(asset for asset in found if asset is not None)
