"""Old certificates are thinned, and everything that they proved is proven as before."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from consortium import registering
from voting_chain import VotingChain
from written_chain import GENESIS, WrittenChain

from ledger.receipt import encode_receipt, verify_receipt
from node.chain import thinning
from node.chain.chain import Chain
from node.chain.proving import Proving
from node.chain.reading import Reading
from node.chain.thinning import thin_certificates
from node.keeping import archive
from node.keeping.audit import audit
from node.storage import state_store
from remarque.errors import NodeCode, NodeError

BLOCKS = 30


@pytest.fixture
def written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> WrittenChain:
    """Thirty blocks, of which all but the newest six are thinned to one in four."""
    monkeypatch.setattr(state_store, "CERTIFICATE_SPACING", 4)
    monkeypatch.setattr(state_store, "THINNED_TOGETHER", 8)
    monkeypatch.setattr(thinning, "CERTIFICATE_SPACING", 4)
    monkeypatch.setattr(thinning, "KEPT_WHOLE", 6)
    written = WrittenChain(tmp_path)
    for number in range(BLOCKS):
        written.block(written.ask(registering(number)))
    thinned(written.chain)
    return written


def thinned(chain: Chain) -> None:
    async def story() -> None:
        task = asyncio.create_task(thin_certificates(chain, Reading(chain)))
        for _ in range(20):
            await asyncio.sleep(0)
        task.cancel()

    asyncio.run(story())


def certified(written: WrittenChain) -> list[int]:
    state = written.chain.state
    return [height for height in range(BLOCKS + 1) if state.certificate(height) is not None]


def test_of_old_certificates_the_newest_of_each_group_stays(written: WrittenChain) -> None:
    assert certified(written) == [3, 7, 11, 15, 19, 23, *range(24, BLOCKS + 1)]

    thinned(written.chain)
    assert certified(written) == [3, 7, 11, 15, 19, 23, *range(24, BLOCKS + 1)]


def test_every_receipt_holds_with_the_next_certificate_that_is_left(written: WrittenChain) -> None:
    for height in range(1, BLOCKS + 1):
        receipt = written.chain.finals.receipt(written.chain.finals._decoded(height), 0)
        verified = verify_receipt(encode_receipt(receipt), GENESIS)
        assert verified.certificate.height == next(one for one in certified(written) if one >= height)


def test_a_height_whose_certificate_is_gone_is_told_the_nearest(written: WrittenChain) -> None:
    with pytest.raises(NodeError, match="the nearest that have one: 3 and 7") as refused:
        asyncio.run(Proving(written.chain, Reading(written.chain)).consistency(5, BLOCKS))

    assert refused.value.code is NodeCode.HEIGHT_UNCERTIFIED


def test_a_node_that_follows_gets_stretches_up_to_the_certificates_that_are_left(
    written: WrittenChain, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("node.chain.finals.STRETCH_BLOCKS", 5)
    height, ends = 0, []
    while height < BLOCKS:
        frames, certificate = written.chain.finals.stretch(height)
        assert certificate is not None
        assert certificate.height == height + len(frames)
        height = certificate.height
        ends.append(height)

    assert ends == [3, 7, 11, 15, 19, 24, 29, 30]


def test_an_audit_finds_nothing_amiss(written: WrittenChain, tmp_path: Path) -> None:
    written.close()

    report = audit(archive.from_directory(tmp_path, GENESIS), GENESIS)

    assert report.holds


def test_the_last_block_of_an_epoch_keeps_its_certificate(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(state_store, "CERTIFICATE_SPACING", 4)
    monkeypatch.setattr(thinning, "CERTIFICATE_SPACING", 4)
    monkeypatch.setattr(thinning, "KEPT_WHOLE", 2)
    chain = VotingChain()
    chain.changed()
    for _ in range(9):
        chain.block()
        chain.final()

    thinned(chain.chain)

    assert [height for height in range(13) if chain.state.certificate(height)] == [2, 3, 7, 8, 9, 10, 11, 12]
