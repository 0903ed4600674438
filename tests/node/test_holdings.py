"""Whose is what: the index follows the state, whichever way the state came to be."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest
from consortium import CID, State, a_digest, a_genesis, minted, registering

from ledger import actions
from ledger.state_tree import hashed
from node.storage.raft_log_store import open_database
from node.storage.state_store import Committed, Results, StateStore

ALICE, BOB, CAROL = "alice@studio", "bob@agency", "carol@club"


def a_state() -> tuple[State, list[str]]:
    """Alice made three and gave one of the two minted away, Bob made one; with the two tokens."""
    state = State(a_genesis())
    tokens = [minted(state, name) for name in ("rock", "leaf")]
    assert state.do(ALICE, registering("plain")).code == state.do(BOB, registering("other")).code == "OK"
    terms = "asset_default@1"
    assert state.do(ALICE, actions.TransferToken(token=tokens[1], to=CAROL, terms=terms)).code == "OK"
    return state, tokens


def apply(store: StateStore, height: int, before: dict[str, bytes], after: dict[str, bytes]) -> None:
    changed = {key: after.get(key) for key in sorted({*before, *after}) if before.get(key) != after.get(key)}
    writes = tuple(changed.items())
    created = frozenset(key for key in changed if key not in before)
    store.apply(Committed(height, writes, hashed(list(writes)), created, Results((), (), ()), b"", [], [], None))


def check(store: StateStore, tokens: list[str]) -> None:
    held = store.holdings
    assert list(held.created(ALICE)) == sorted(a_digest(name) for name in ("rock", "leaf", "plain"))
    assert list(held.created(BOB)) == [a_digest("other")]
    assert (list(held.owned(ALICE)), list(held.owned(CAROL)), list(held.owned(BOB))) == ([tokens[0]], [tokens[1]], [])
    assert list(held.created(ALICE, a_digest("rock"))) == [one for one in held.created(ALICE) if one > a_digest("rock")]
    assert list(held.created("alice@stud")) == []
    assert list(held.of_file(CID)) == sorted(a_digest(name) for name in ("rock", "leaf", "plain", "other"))
    assert list(held.of_file(CID[:-1])) == []


def test_it_follows_blocks(tmp_path: Path) -> None:
    state = State(a_genesis())
    with closing(StateStore(tmp_path / "state")) as store:
        apply(store, 0, {}, state.values)
        before, token = dict(state.values), minted(state, "rock")
        apply(store, 1, before, state.values)
        owned = list(store.holdings.owned(ALICE)), list(store.holdings.owned(CAROL))
        before = dict(state.values)
        given = actions.TransferToken(token=token, to=CAROL, terms="asset_default@1")
        assert state.do(ALICE, given).code == "OK"
        apply(store, 2, before, state.values)

        assert owned == ([token], [])
        assert (list(store.holdings.owned(ALICE)), list(store.holdings.owned(CAROL))) == ([], [token])


@pytest.mark.parametrize("way", ["by a block", "by a snapshot", "by a version without it"])
def test_it_is_whole_however_the_store_was_filled(tmp_path: Path, way: str) -> None:
    state, tokens = a_state()
    with closing(StateStore(tmp_path / "state")) as store:
        if way == "by a snapshot":
            store.fill(iter(sorted(state.values.items())))
        else:
            apply(store, 0, {}, state.values)
        if way != "by a version without it":
            check(store, tokens)
            return
    with closing(open_database(tmp_path / "state")) as db:
        for key in [key for key, _ in db if key == b"indexed with files" or (key[:1] in b"mof" and b"\0" in key)]:
            db.delete(key)
    with closing(StateStore(tmp_path / "state")) as store:
        check(store, tokens)
