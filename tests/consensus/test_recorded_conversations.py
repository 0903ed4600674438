"""Conversations that etcd-io/raft recorded, and the page that reports them and says what holds each known bug.

Set REMARQUE_CONFORMANCE to a folder that has the recordings under `raft/`; without it they are not run, and say so.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from recorded_conversations import FILES_OUTSIDE, replayed
from write_raft_conformance import BUGS, ELSEWHERE, NOT_HERE, PAGE, ROOT, heads, held, page

FOLDER = Path(os.environ.get("REMARQUE_CONFORMANCE", "")) / "raft"
REPLAYED = 9
COMPARED = 120

recorded = pytest.mark.skipif(
    not FOLDER.is_dir(), reason="REMARQUE_CONFORMANCE names no folder with raft/testdata_*.txt"
)


@recorded
def test_what_comes_of_recorded_conversations_is_what_was_recorded() -> None:
    found = replayed(FOLDER)

    assert {name: one.differences for name, one in found.items() if one.differences} == {}
    assert sum(one.ran > 0 for one in found.values()) >= REPLAYED
    assert sum(one.compared for one in found.values()) >= COMPARED
    assert all(one.compared for one in found.values() if one.ran), "a recording with which nothing is compared"
    assert FILES_OUTSIDE.keys() <= found.keys()


@recorded
def test_the_page_says_what_is_replayed() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(FOLDER), "run scripts/write_raft_conformance.py"


def test_every_known_bug_is_held_by_something_or_cannot_be_here() -> None:
    assert list(BUGS) == list(range(1, 52))
    assert {bug for bug in BUGS if not held(bug)} == NOT_HERE.keys()


def test_what_holds_a_bug_besides_conversations_is_there() -> None:
    for places in ELSEWHERE.values():
        for file, what in places:
            assert what in (ROOT / file).read_text(encoding="utf-8"), f"{file} has nothing named {what}"


def test_the_page_says_what_each_conversation_is_about() -> None:
    text = PAGE.read_text(encoding="utf-8")

    assert [name for name, head in heads().items() if f"| `{name}` | {head} |" not in text] == []
