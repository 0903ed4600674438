"""Files that whoever checks anything trusts to begin with: the genesis, recoveries they accept, a header they know."""

from __future__ import annotations

from pathlib import Path

from ledger.block import Header
from ledger.encoding import decode
from ledger.errors import LedgerError
from ledger.genesis import Genesis, check_genesis
from ledger.known import parse_known
from ledger.recovery import Recoveries, check_recoveries, parse_recovery
from remarque.errors import NodeCode, NodeError
from remarque.text_files import text_in


def load_genesis(path: Path | str) -> Genesis:
    """Genesis from its file."""
    try:
        genesis = decode(text_in(path).strip(), Genesis)
        check_genesis(genesis)
    except FileNotFoundError:
        raise NodeError(NodeCode.CONFIG_INVALID, f"{path} does not exist; every member has the same file") from None
    except LedgerError as error:
        raise NodeError(NodeCode.CONFIG_INVALID, f"{path} is not a genesis: {error}") from None
    return genesis


def read_recoveries(files: tuple[Path, ...], genesis: Genesis) -> Recoveries:
    """Recoveries that somebody accepts, from files in any order."""
    signed = [parse_recovery(text_in(file).strip()) for file in files]
    return check_recoveries(tuple(sorted(signed, key=lambda one: one.recovery.number)), genesis)


def read_known(file: Path | str) -> Header:
    """The header of a checkpoint that somebody kept, which is known to be of the chain."""
    try:
        return parse_known(text_in(file))
    except LedgerError as error:
        raise NodeError(NodeCode.CONFIG_INVALID, f"{file}: {error}; keep what /v1/checkpoint answers") from None
