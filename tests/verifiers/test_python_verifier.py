"""The verifier in one Python file: it says what ours says, of the published cases and of whatever is made of them."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from random import Random
from types import ModuleType
from typing import Any

import pytest
from consortium import a_genesis, a_node, registering
from hypothesis import given, settings
from hypothesis import strategies as st
from receipt_vectors import FILE, Case, file, read_cases
from receipts import GENESIS, RECEIPTS, fields, mixtures, without
from tampering import Keeper, recovered

from ledger.encoding import encode
from ledger.errors import LedgerError
from ledger.genesis import Genesis
from ledger.known import parse_known
from ledger.receipt import ReceiptRefused, verify_receipt
from ledger.recovery import RecoveryRefused, check_recoveries, parse_recovery

PROGRAM = Path(__file__).parents[2] / "verifiers" / "verify_receipt.py"
LINES_MAX = 380
GENESIS_BYTES = encode(GENESIS)
CASES = read_cases()[1]


def load() -> ModuleType:
    spec = importlib.util.spec_from_file_location("verify_receipt", PROGRAM)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


VERIFIER = load()


def holds(
    data: bytes, genesis: bytes = GENESIS_BYTES, recoveries: Sequence[bytes] = (), known: bytes | None = None
) -> bool:
    try:
        VERIFIER.verify(data, genesis, recoveries, known)
    except VERIFIER.Refused:
        return False
    return True


def holds_here(
    data: bytes, recoveries: Sequence[bytes] = (), genesis: Genesis = GENESIS, known: bytes | None = None
) -> bool:
    try:
        signed = sorted((parse_recovery(one) for one in recoveries), key=lambda one: one.recovery.number)
        header = None if known is None else parse_known(known)
        verify_receipt(data, genesis, check_recoveries(tuple(signed), genesis), header)
    except (ReceiptRefused, RecoveryRefused, LedgerError):
        return False
    return True


def test_it_is_one_file_that_anybody_can_read_through() -> None:
    lines = PROGRAM.read_text(encoding="utf-8").splitlines()
    imported = {line.split()[1].partition(".")[0] for line in lines if line.startswith(("import ", "from "))}

    assert len(lines) <= LINES_MAX
    assert imported <= {"hashlib", "json", "pathlib", "re", "sys", "nacl"}


def test_the_published_cases_are_those_the_tests_build() -> None:
    assert FILE.read_bytes() == file()


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_both_verifiers_say_of_a_published_case_what_it_is(case: Case) -> None:
    here = holds_here(case.receipt, case.recoveries, known=case.known)

    assert (holds(case.receipt, GENESIS_BYTES, case.recoveries, case.known), here) == (case.holds, case.holds)


def test_recoveries_are_taken_in_any_order_and_none_may_be_missing() -> None:
    keeper = Keeper(a_genesis(nodes=tuple(a_node(f"node{n}") for n in range(1, 6))))
    recoveries = []
    for number, left in enumerate([("node2", "node4"), ("node4",)]):
        keeper.block(keeper.state.transaction("carol@club", registering(number)))
        recoveries.append(keeper.recover(*left))
    keeper.block(keeper.state.transaction("carol@club", registering("last")))
    first, second = recoveries

    for height, brought, expected in [
        (1, [], True), (1, [first, second], True), (2, [first], True), (2, [second, first], True), (2, [], False),
        (3, [first, second], True), (3, [second, first], True), (3, [first], False), (3, [second], False),
    ]:  # fmt: skip
        data = keeper.receipt(height)
        said = holds(data, encode(keeper.genesis), brought), holds_here(data, brought, keeper.genesis)
        assert said == (expected, expected), (height, len(brought))


def test_no_byte_or_field_of_a_recovery_can_be_changed() -> None:
    keeper, recovery = recovered()
    data, value = keeper.receipt(3), json.loads(recovery)

    for place in range(len(recovery)):
        changed = recovery[:place] + bytes([recovery[place] ^ (1 << place % 8)]) + recovery[place + 1 :]
        assert not holds(data, recoveries=[changed])
    assert not any(holds(data, recoveries=[encode(without(value, path))]) for path in fields(value))


@pytest.mark.parametrize("data", RECEIPTS.values(), ids=RECEIPTS)
def test_no_byte_of_a_receipt_can_be_changed(data: bytes) -> None:
    for place in range(len(data)):
        assert not holds(data[:place] + bytes([data[place] ^ (1 << place % 8)]) + data[place + 1 :])


@pytest.mark.parametrize("data", RECEIPTS.values(), ids=RECEIPTS)
def test_no_part_of_a_receipt_can_be_left_out(data: bytes) -> None:
    value = json.loads(data)

    assert not any(holds(encode(without(value, path))) for path in fields(value))
    assert not any(holds(data[:place]) for place in range(0, len(data), 11))
    assert not any(holds(mixed) for mixed in mixtures())


def test_a_genesis_that_is_another_one_or_none_is_refused() -> None:
    for place in range(0, len(GENESIS_BYTES), 3):
        changed = GENESIS_BYTES[:place] + bytes([GENESIS_BYTES[place] ^ 1]) + GENESIS_BYTES[place + 1 :]
        assert not holds(RECEIPTS["direct"], changed)


VALUES: Any = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8) | st.just("ab" * 32),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=400)
@given(st.sampled_from(sorted(RECEIPTS)), st.data())
def test_both_verifiers_say_the_same_of_any_value_in_any_place(name: str, data: Any) -> None:
    value = json.loads(RECEIPTS[name])
    path = data.draw(st.sampled_from(fields(value)))
    place = value
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = data.draw(VALUES)
    made = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode("utf-8", "surrogatepass")

    assert holds(made) == holds_here(made)


@settings(max_examples=300)
@given(st.binary(max_size=200))
def test_bytes_from_anyone_raise_nothing_but_its_own_error(data: bytes) -> None:
    assert not holds(data)
    assert not holds(RECEIPTS["direct"], data)


@pytest.mark.soak
def test_a_million_inputs_raise_nothing_but_its_own_error() -> None:
    chance = Random(7)
    sources = list(RECEIPTS.values())
    for _ in range(1_000_000):
        data = bytearray(chance.choice(sources))
        for _ in range(chance.randint(1, 4)):
            at = chance.randrange(len(data))
            match chance.randrange(4):
                case 0:
                    data[at] = chance.randrange(256)
                case 1:
                    del data[at : at + chance.randint(1, 40)]
                case 2:
                    data[at:at] = data[chance.randrange(len(data)) :][: chance.randint(1, 40)]
                case _:
                    data[at:at] = chance.choice((b"null", b"-1", b"1e9", b"[", b"}", b'"', b"0", b",", b"true"))
            if not data:
                break
        assert not holds(bytes(data)) or bytes(data) in sources


def test_it_runs_alone_and_says_in_its_status_what_it_found(tmp_path: Path) -> None:
    (tmp_path / "genesis.json").write_bytes(GENESIS_BYTES)
    for name, data, status in (("good", RECEIPTS["epochs"], 0), ("bad", RECEIPTS["epochs"][:-1], 1)):
        (tmp_path / f"{name}.json").write_bytes(data)
        done = subprocess.run(
            [sys.executable, "-I", str(PROGRAM), f"{name}.json", "genesis.json"],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )
        said = json.loads(done.stdout)
        assert (done.returncode, said["holds"]) == (status, status == 0)
    keeper, recovery = recovered()
    (tmp_path / "newer.json").write_bytes(keeper.receipt(3))
    (tmp_path / "recovery.json").write_bytes(recovery)
    for words, status in ((["recovery.json"], 0), ([], 1)):
        done = subprocess.run(
            [sys.executable, "-I", str(PROGRAM), "newer.json", "genesis.json", *words],
            cwd=tmp_path,
            capture_output=True,
            check=False,
        )
        assert done.returncode == status
    missing = subprocess.run(
        [sys.executable, "-I", str(PROGRAM), "nothing", "genesis.json"], cwd=tmp_path, capture_output=True, check=False
    )
    assert missing.returncode == 2
