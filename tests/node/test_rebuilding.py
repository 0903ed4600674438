"""A power cut that leaves an older state behind a pruned log: the node's own snapshot makes it whole again."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from consortium import key_of, registering
from written_chain import GENESIS, WrittenChain

from node.chain.chain import Chain
from node.snapshots import rebuilding
from node.snapshots.rebuilding import rebuild_if_lost
from node.snapshots.snapshots import take, write
from node.storage.raft_log_store import RaftLogStore
from node.storage.state_store import StateStore
from remarque.errors import NodeCode, NodeError


def cut_off(data: Path) -> str:
    """A directory of 12 blocks, pruned up to 6 behind a snapshot of 8, with its state of block 3; the newest's hash."""
    written = WrittenChain(data)
    for number in range(1, 13):
        written.block(*(written.ask(registering(3 * number + one)) for one in range(3)))
        if number == 3:
            written.close()
            shutil.copytree(data / "state", data / "older")
            written = WrittenChain(data)
        if number == 8:
            taken = take(written.chain)
            assert taken is not None
            write(taken, data / "snapshots" / "8")
    written.chain.finals.prune(6, 100)
    newest = written.chain.tip.hash
    written.close()
    shutil.rmtree(data / "state")
    (data / "older").rename(data / "state")
    return newest


def test_a_state_older_than_its_log_is_rebuilt_and_the_blocks_above_are_run_again(tmp_path: Path) -> None:
    newest = cut_off(tmp_path)
    with closing(RaftLogStore(tmp_path / "log")) as log, closing(StateStore(tmp_path / "state")) as state:
        with pytest.raises(NodeError) as refused:
            Chain(GENESIS, key_of("node1"), "node1", log, state)
        assert refused.value.code is NodeCode.BLOCK_PRUNED

    rebuild_if_lost(tmp_path, GENESIS, ())

    written = WrittenChain(tmp_path)
    assert (written.chain.tip.height, written.chain.tip.hash, written.chain.finals.oldest) == (12, newest, 8)
    assert written.block(written.ask(registering("after"))) == 13
    written.close()
    rebuild_if_lost(tmp_path, GENESIS, ())
    written = WrittenChain(tmp_path)
    assert written.chain.tip.height == 13, "what is whole is left as it is"
    written.close()


class KilledError(BaseException):
    """Stands for kill -9."""


def killing(done: Callable[..., Any]) -> Callable[..., Any]:
    """What does something, and is killed behind it."""

    def do(*given: Any) -> None:
        done(*given)
        raise KilledError

    return do


KILLED: dict[str, tuple[Any, str, Callable[..., Any]]] = {
    "while it is filled": (StateStore, "fill", killing(lambda *_: None)),
    "once it is filled": (rebuilding, "fill", killing(rebuilding.fill)),
    "once the log is pruned": (RaftLogStore, "prune", killing(RaftLogStore.prune)),
    "before it is put there": (Path, "rename", killing(lambda *_: None)),
}


@pytest.mark.parametrize("killed", KILLED)
def test_a_kill_in_the_middle_is_made_up_for_by_the_next_start(
    tmp_path: Path, killed: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    newest = cut_off(tmp_path)
    with monkeypatch.context() as patched:
        patched.setattr(*KILLED[killed])
        with pytest.raises(KilledError):
            rebuild_if_lost(tmp_path, GENESIS, ())

    rebuild_if_lost(tmp_path, GENESIS, ())

    written = WrittenChain(tmp_path)
    assert (written.chain.tip.hash, sorted(one.name for one in tmp_path.glob("state*"))) == (newest, ["state"])
    written.close()


def test_an_empty_directory_is_left_to_genesis(tmp_path: Path) -> None:
    for path in ("log", "state"):
        (tmp_path / path).mkdir()

    rebuild_if_lost(tmp_path, GENESIS, ())

    written = WrittenChain(tmp_path)
    assert written.chain.tip.height == 0
    written.close()


def test_without_a_snapshot_that_holds_it_is_said_what_to_do(tmp_path: Path) -> None:
    cut_off(tmp_path)
    chunk = next((tmp_path / "snapshots" / "8").glob("*.chunk"))
    chunk.write_bytes(chunk.read_bytes()[:-1])

    for _ in range(2):
        with pytest.raises(NodeError, match=r"the state .* is of block 3, .*; join as a new node") as refused:
            rebuild_if_lost(tmp_path, GENESIS, ())
        assert refused.value.code is NodeCode.DATA_CORRUPT
        shutil.rmtree(tmp_path / "snapshots", ignore_errors=True)


def test_a_whole_state_is_put_where_it_belongs_without_the_snapshot(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    newest = cut_off(tmp_path)
    with monkeypatch.context() as patched:
        patched.setattr(*KILLED["before it is put there"])
        with pytest.raises(KilledError):
            rebuild_if_lost(tmp_path, GENESIS, ())
    shutil.rmtree(tmp_path / "snapshots")

    rebuild_if_lost(tmp_path, GENESIS, ())

    with closing(WrittenChain(tmp_path)) as written:
        assert written.chain.tip.hash == newest
