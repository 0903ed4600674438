"""Content archives on the chain: each org says what it keeps, and no org speaks or stands in the way of another."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from consortium import State, a_digest

from ledger import actions
from ledger.encoding import decode, encode
from ledger.events import ContentArchived
from ledger.records import ArchiveRecord, archive_key
from remarque.cid import RAW, cid_of
from remarque.directories import Entry, directory_of

ROOT, CLUB = "root@studio", "root@club"
DIRECTORY = directory_of([Entry("000000000000", cid_of(RAW, b"x"), 1)])[0]


def archived(**changes: Any) -> actions.ArchiveContent:
    parts = {"root": DIRECTORY, "piece": a_digest("piece"), "size": 1_000, "files": 1, "place": "the cellar"}
    return actions.ArchiveContent(**(parts | changes))


def stands(state: State, org: str) -> ArchiveRecord | None:
    found = state.get(archive_key(a_digest("piece"), org))
    return None if found is None else decode(found, ArchiveRecord)


def test_an_archive_is_recorded_with_who_says_it_and_when(state: State) -> None:
    outcome = state.do(ROOT, archived())

    said = {"piece": a_digest("piece"), "org": "studio", "root": DIRECTORY, "size": 1_000, "files": 1}
    assert stands(state, "studio") == ArchiveRecord(**said, place="the cellar", by=ROOT, height=state.height)
    assert outcome.events == (ContentArchived(**said, place="the cellar", by=ROOT),)


def test_an_org_may_say_something_new_of_its_archive_and_not_the_same_again(state: State) -> None:
    codes = [state.do(ROOT, archived(place=place)).code for place in ("here", "here", "there", "here")]

    assert codes == ["OK", "NOTHING_TO_CHANGE", "OK", "OK"]
    found = stands(state, "studio")
    assert found is not None
    assert (found.place, found.height) == ("here", state.height)


def test_what_one_org_says_of_a_piece_is_no_other_org_s_word(state: State) -> None:
    assert state.do(CLUB, archived(size=7, place="a lie")).code == "OK"
    assert state.do(ROOT, archived()).code == "OK"

    found = [stands(state, org) for org in ("club", "studio")]
    assert [one and (one.size, one.place) for one in found] == [(7, "a lie"), (1_000, "the cellar")]


def test_only_administrators_say_it(state: State) -> None:
    assert state.do("alice@studio", archived()).code == "ROLE_MISSING"
    assert stands(state, "studio") is None


@pytest.mark.parametrize(
    "change",
    [
        {"root": cid_of(RAW, b"x")},
        {"root": DIRECTORY.upper()},
        {"piece": "bafkzcib"},
        {"size": 0},
        {"files": 0},
        {"files": actions.ARCHIVED_FILES_MAX + 1},
        {"place": ""},
        {"place": "x" * 257},
    ],
)
def test_what_is_out_of_bounds_is_no_action(change: dict[str, Any]) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(encode(archived(**change)), type=actions.ArchiveContent)
