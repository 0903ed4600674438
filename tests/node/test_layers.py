"""The state above blocks that are not final: what a node sees that has many of them at once."""

from __future__ import annotations

from pathlib import Path

import pytest
from consortium import registering
from written_chain import WrittenChain

from ledger.records import SEEN_PREFIX, asset_key
from node.chain.chain import Chain

LONG = 500_000
"""Milliseconds after which no transaction signed before is remembered."""


def plainly(chain: Chain, prefix: str) -> list[str]:
    """The keys of a prefix, by laying every change over the store."""
    found = dict(chain.state.items(prefix))
    for layer in chain.layers:
        for key, value in layer.result.writes:
            if key.startswith(prefix):
                found.pop(key, None)
                if value is not None:
                    found[key] = value
    return sorted(found)


@pytest.mark.parametrize("prefix", [SEEN_PREFIX, asset_key("")])
def test_keys_above_many_blocks_are_those_that_the_blocks_left(tmp_path: Path, prefix: str) -> None:
    written = WrittenChain(tmp_path)
    chain = written.chain
    try:
        for number in range(0, 40, 10):
            written.block(*(written.ask(registering(one)) for one in range(number, number + 10)))
        before = plainly(chain, SEEN_PREFIX)
        written._signing.time_ms += LONG
        for number in range(5):
            written.block(written.ask(registering(40 + number)), after_ms=0 if number else LONG, certified=False)
            assert list(chain.tip_reader().keys(prefix)) == plainly(chain, prefix)
        assert not set(before[:10]) & set(plainly(chain, SEEN_PREFIX)), "ids are forgotten in order"
        chain.truncate(chain.committed.height + 3)
        assert list(chain.tip_reader().keys(prefix)) == plainly(chain, prefix)
    finally:
        written.close()


def test_pages_loaded_beside_blocks_change_nothing(tmp_path: Path) -> None:
    written = WrittenChain(tmp_path / "one")
    plain = WrittenChain(tmp_path / "other")
    for number in range(30):
        signed = written.ask(registering(number))
        written.chain.load_pages((bytes([number]) * 2, b"\x00\x01"))
        for each in (written, plain):
            each.block(signed, certified=number % 3 == 2)
    assert written.chain.tip.state_root == plain.chain.tip.state_root
    written.close()
    plain.close()


def test_ids_good_for_less_time_than_those_there_at_a_start_are_forgotten_too(tmp_path: Path) -> None:
    written = WrittenChain(tmp_path / "one")
    restarted = WrittenChain(tmp_path / "other")
    start = written.chain.tip.time_ms
    long = written.ask(registering(1), valid_until_ms=start + 500_000)
    short = written.ask(registering(2), valid_until_ms=start + 10_000)
    for each in (written, restarted):
        each.block(long)
    restarted.close()
    restarted = WrittenChain(tmp_path / "other")
    for each in (written, restarted):
        each.block(short)
        each.block(after_ms=200_000)
        assert len(list(each.chain.state.keys(SEEN_PREFIX))) == 1
    assert written.chain.tip.state_root == restarted.chain.tip.state_root
    written.close()
    restarted.close()
