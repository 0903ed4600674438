"""A byte-order mark before a file of text says nothing: whatever people write is read past it."""

from __future__ import annotations

import codecs
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from consortium import a_genesis

import contracts_vm
from ledger.crypto import SigningKey
from ledger.encoding import encode
from ledger.errors import LedgerError
from ledger.policy_source import check_source
from node.cli.chain import decode_actions
from node.cli.governance import decode_changes
from node.ground.config import load_config
from node.keeping.founding import load_plan
from node.policies.files import read_policy
from remarque.keys.encrypted import Cost
from remarque.keys.files import load_key, public_key, save_key
from remarque.keys.passphrases import read_passphrase
from remarque.text_files import text_in, without_mark
from remarque.trusted_files import load_genesis

KEY = SigningKey(b"\x07" * 32)
CHEAP = Cost(operations=1, memory_bytes=8 * 1024)
PLAN = b'name = "pictures"\n[orgs]\nstudio = "Atelier"\n[nodes.node1]\norg = "studio"\npeer = "10.0.0.1:7100"\n'

FILES: list[tuple[str, bytes, Callable[[Path], Any]]] = [
    ("a plan", PLAN, load_plan),
    ("settings", b'[node]\nname = "node1"\ngenesis = "genesis.json"\n', load_config),
    ("a policy", contracts_vm.default_policy_source().encode(), lambda path: read_policy(path).source),
    (
        "a policy in a plan",
        contracts_vm.default_policy_source().encode(),
        lambda path: check_source(text_in(path).decode()),
    ),
    ("a genesis", encode(a_genesis()), load_genesis),
    ("a key", KEY.seed.hex().encode() + b"\n", load_key),
    ("a passphrase", b" a phrase \nmore", read_passphrase),
    (
        "actions",
        b'[{"type": "account.add-key", "key": "' + b"ab" * 32 + b'"}]',
        lambda path: decode_actions(path.read_bytes()),
    ),
    (
        "changes",
        b'[{"type": "parameters.set", "valid_ms_max": 3600000}]',
        lambda path: decode_changes(path.read_bytes()),
    ),
]


@pytest.mark.parametrize(
    ("data", "read"), [(data, read) for _, data, read in FILES], ids=[name for name, _, _ in FILES]
)
def test_a_file_is_read_past_a_byte_order_mark(tmp_path: Path, data: bytes, read: Callable[[Path], Any]) -> None:
    found = []
    for mark in (b"", codecs.BOM_UTF8):
        path = tmp_path / "file"
        path.write_bytes(mark + data)
        path.chmod(0o600)
        found.append(read(path))

    assert encode_or_same(found[0]) == encode_or_same(found[1])


def encode_or_same(value: Any) -> Any:
    return value.public if isinstance(value, SigningKey) else value


def test_so_is_a_key_under_a_passphrase(tmp_path: Path) -> None:
    save_key(tmp_path / "a.key", KEY, b"phrase", CHEAP)
    (tmp_path / "a.key").write_bytes(codecs.BOM_UTF8 + (tmp_path / "a.key").read_bytes())

    assert public_key(tmp_path / "a.key") == KEY.public
    assert load_key(tmp_path / "a.key", lambda _: b"phrase").seed == KEY.seed


def test_blank_space_stays_for_whoever_it_matters_to() -> None:
    assert without_mark(codecs.BOM_UTF8 + b" a phrase ") == b" a phrase "


@pytest.mark.parametrize("read", [decode_actions, decode_changes])
def test_what_is_no_utf8_is_malformed(read: Callable[[bytes], Any]) -> None:
    with pytest.raises(LedgerError, match="MALFORMED"):
        read(b'[{"type": "\xff\xfe"}]')
