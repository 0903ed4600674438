"""The verifier in one offline page: under Node it says what ours says, and in a browser it says it to a person."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from random import Random

import pytest
from changing import branch, grown
from playwright.sync_api import Browser
from receipt_vectors import Case, read_cases
from receipts import GENESIS, RECEIPTS, fields, mixtures, without
from tampering import recovered

from ledger.encoding import encode

pytestmark = pytest.mark.peers

PAGE = Path(__file__).parents[2] / "verifiers" / "verify_receipt.html"
RUN = Path(__file__).with_name("run_page.mjs")
LINES_MAX = 380
GENESIS_BYTES = encode(GENESIS)


def verdicts(
    receipts: list[bytes], genesis: bytes = GENESIS_BYTES, recoveries: list[list[bytes]] | None = None
) -> list[object]:
    """What the page says of receipts, each with the recoveries at its place."""
    brought = [[] for _ in receipts] if recoveries is None else recoveries
    return verdicts_of([Case("", data, tuple(more), None, True) for data, more in zip(receipts, brought, strict=True)])


def verdicts_of(cases: list[Case], genesis: bytes = GENESIS_BYTES) -> list[object]:
    """What the page says of cases."""
    program = shutil.which("node") or pytest.fail("no node; run scripts/install_peers.sh")
    files = []
    for case in cases:
        known = None if case.known is None else case.known.hex()
        files.append([case.receipt.hex(), genesis.hex(), [one.hex() for one in case.recoveries], known])
    said = json.dumps(files)
    done = subprocess.run(
        [program, "--no-warnings", str(RUN), str(PAGE)],
        input=said,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found: list[object] = json.loads(done.stdout)
    return found


def test_it_is_one_page_without_any_address() -> None:
    page = PAGE.read_text(encoding="utf-8")

    assert len(page.splitlines()) <= LINES_MAX
    assert "://" not in page
    assert "src=" not in page.replace("default-src", "").replace("script-src", "").replace("style-src", "")


def test_it_says_of_a_published_case_what_it_is() -> None:
    genesis, cases = read_cases()
    found = verdicts_of(cases, genesis)

    assert [(case.name, said) for case, said in zip(cases, found, strict=True) if said != case.holds] == []


def test_no_byte_or_field_of_a_recovery_can_be_changed() -> None:
    keeper, recovery = recovered()
    value = json.loads(recovery)
    changed = [
        recovery[:at] + bytes([recovery[at] ^ (1 << at % 8)]) + recovery[at + 1 :] for at in range(len(recovery))
    ]
    changed += [encode(without(value, path)) for path in fields(value)]

    receipts = [keeper.receipt(3)] * len(changed)
    assert set(verdicts(receipts, GENESIS_BYTES, [[one] for one in changed])) == {False}


@pytest.mark.parametrize("data", RECEIPTS.values(), ids=RECEIPTS)
def test_no_byte_or_field_of_a_receipt_can_be_changed(data: bytes) -> None:
    value = json.loads(data)
    changed = [data[:at] + bytes([data[at] ^ (1 << at % 8)]) + data[at + 1 :] for at in range(len(data))]
    changed += [encode(without(value, path)) for path in fields(value)]
    changed += [data[:at] for at in range(0, len(data), 11)]
    changed += mixtures()

    assert set(verdicts(changed)) == {False}


def test_random_bytes_raise_nothing_but_its_own_error() -> None:
    chance = Random(3)
    changed = []
    for _ in range(5_000):
        data = bytearray(chance.choice(list(RECEIPTS.values())))
        at = chance.randrange(len(data))
        data[at : at + chance.randrange(20)] = chance.choice((b"null", b"-1", b"1e9", b"[", b"}", b'"', b"{}", b"true"))
        changed.append(bytes(data))
    changed = [data for data in changed if data not in RECEIPTS.values()]

    assert set(verdicts(changed)) == {False}


def test_a_person_chooses_the_files_and_reads_the_answer(chromium: Browser, tmp_path: Path) -> None:
    (tmp_path / "genesis.json").write_bytes(GENESIS_BYTES)
    (tmp_path / "good.json").write_bytes(RECEIPTS["epochs"])
    (tmp_path / "bad.json").write_bytes(RECEIPTS["epochs"].replace(b'"OK"', b'"KO"'))
    keeper, recovery = recovered()
    (tmp_path / "newer.json").write_bytes(keeper.receipt(3))
    (tmp_path / "recovery.json").write_bytes(recovery)
    (tmp_path / "branch.json").write_bytes(branch().receipt(8))
    (tmp_path / "checkpoint.json").write_bytes(grown().checkpoint(6))
    page = chromium.new_page()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(PAGE.as_uri())
    page.set_input_files("#genesis", tmp_path / "genesis.json")
    page.set_input_files("#receipt", tmp_path / "good.json")
    page.wait_for_selector(".holds")
    good = page.inner_text("output")
    page.set_input_files("#receipt", tmp_path / "bad.json")
    page.wait_for_selector(".refused")
    bad = page.inner_text("output")
    page.set_input_files("#receipt", tmp_path / "newer.json")
    page.wait_for_selector("output:has-text('other voters')")
    page.set_input_files("#recoveries", tmp_path / "recovery.json")
    page.wait_for_selector(".holds")
    page.set_input_files("#recoveries", [])
    page.wait_for_selector(".refused")
    page.set_input_files("#receipt", tmp_path / "branch.json")
    page.wait_for_selector(".holds")
    page.set_input_files("#known", tmp_path / "checkpoint.json")
    page.wait_for_selector("output:has-text('block 6 is known to have other voters')")
    page.close()

    assert "The receipt holds." in good
    assert '"node3"' in good
    assert "does NOT hold: the transaction is not in the anchor's log" in bad
    assert asked == [PAGE.as_uri()]
