"""Released files: manifests are kept under their pictures, and what others give is held against the recorded file."""

from __future__ import annotations

import asyncio
import os
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import msgspec
import pytest
from consortium import a_digest
from credentialed import a_file, a_label, the_studio
from msgspec import UNSET

from ledger import records
from ledger.actions import Content
from ledger.encoding import encode
from node.content.blockstore import Blockstore
from node.credentials import parents as parents_module
from node.credentials.manifest_store import ManifestName, ManifestStore
from node.credentials.parents import Parents
from node.credentials.released import Released
from node.decoding.lanes import Decoders
from node.ground.changes import ChangeCounter
from remarque.errors import NodeError

NAME = ManifestName(a_label(), a_digest("a picture"))


class GivingPeers:
    """Nodes that give what they are told to."""

    def __init__(self, gives: dict[str, bytes]) -> None:
        self.gives = gives
        self.asked: list[str] = []

    async def ask(self, peer: str, path: str, bytes_max: int) -> bytes | None:
        self.asked.append(peer)
        return self.gives.get(peer)


def an_asset(cid: str, label: str, **changed: Any) -> records.Asset:
    fields: dict[str, Any] = {
        "id": a_digest("a picture"),
        "evidence": "generated",
        "registrant": "gen@studio",
        "creator": "bob@agency",
        "creators": (),
        "owner": "bob@agency",
        "confidential": False,
        "file_digest": a_digest("file"),
        "width": 128,
        "height": 128,
        "content": Content(cid=cid, size=1, media_type="image/png"),
        "manifest": label,
        "created_ms": 0,
        "height_recorded": 1,
        "transaction": a_digest("transaction"),
    }
    return records.Asset(**{**fields, **changed})


class Member:
    """A node of the club that is asked for a released file, and has the recorded one."""

    def __init__(self, path: Path, decoders: Decoders, gives: dict[str, bytes]) -> None:
        self.blockstore, self.manifests = Blockstore(path / "content"), ManifestStore(path / "manifests")
        self.peers = GivingPeers(gives)
        nodes = {"maker": "studio", "creators": "agency", "a-stranger": "club", "here": "club"}
        stored = [
            (records.node_key(name), encode(records.NodeRecord(name=name, org=org, key="", certificate="")))
            for name, org in nodes.items()
        ]
        chain = SimpleNamespace(node="here", state=SimpleNamespace(items=lambda prefix: stored))
        sealing = SimpleNamespace(changes=ChangeCounter(), is_awaited=lambda record: False)
        self.released = Released(
            cast(Any, chain),
            cast(Any, self.peers),
            self.blockstore,
            self.manifests,
            cast(Any, sealing),
            decoders.signing,
            lambda: the_studio().root,
        )


def test_a_manifest_that_holds_is_kept_and_asked_for_once(tmp_path: Path, decoders: Decoders) -> None:
    data, label = a_file(), a_label()
    sealed = the_studio().sealed(data, label=label)
    member = Member(tmp_path, decoders, {"maker": sealed.store})
    record = an_asset(member.blockstore.put_file(data), label)

    first = asyncio.run(member.released.file(record))
    again = asyncio.run(member.released.file(record))

    assert first == again == sealed.data
    assert "a-stranger" not in member.peers.asked
    assert member.peers.asked.count("maker") == 1


@pytest.mark.parametrize("why", ["of another file", "under another label", "broken", "nothing"])
def test_what_does_not_hold_is_refused_and_not_kept(why: str, tmp_path: Path, decoders: Decoders) -> None:
    data, label = a_file(), a_label()
    store = the_studio().sealed(data, label=label).store
    given = {
        "of another file": the_studio().sealed(a_file(size=96), label=label).store,
        "under another label": the_studio().sealed(data).store,
        "broken": store[:-60] + bytes(60),
        "nothing": b"",
    }[why]
    member = Member(tmp_path, decoders, {"maker": given})
    record = an_asset(member.blockstore.put_file(data), label)

    with pytest.raises(NodeError, match="MANIFEST_MISSING"):
        asyncio.run(member.released.file(record))
    assert not member.manifests.has(ManifestName(label, record.id))


def test_what_one_maker_gives_wrong_hides_nothing_that_another_gives(tmp_path: Path, decoders: Decoders) -> None:
    data, label = a_file(), a_label()
    sealed = the_studio().sealed(data, label=label)
    member = Member(tmp_path, decoders, {"creators": b"nonsense", "maker": sealed.store})

    assert asyncio.run(member.released.file(an_asset(member.blockstore.put_file(data), label))) == sealed.data


def test_a_record_without_a_manifest_is_released_as_it_is_recorded(tmp_path: Path, decoders: Decoders) -> None:
    member = Member(tmp_path, decoders, {})
    cid = member.blockstore.put_file(b"ciphertext")

    for changed in ({"manifest": UNSET}, {"confidential": True}):
        assert asyncio.run(member.released.file(an_asset(cid, a_label(), **changed))) == b"ciphertext"
    assert member.peers.asked == []


def test_a_store_is_kept_under_its_label_and_its_picture(tmp_path: Path) -> None:
    store, other = ManifestStore(tmp_path), ManifestName(NAME.label, a_digest("another picture"))
    store.put(NAME, b"manifests", time_stamped=True)

    assert store.get(NAME) == b"manifests"
    assert store.get(other) is None
    assert (tmp_path / NAME.stem[:2] / f"{NAME.stem}.c2pa").stat().st_mode & 0o777 == 0o600


def test_what_lacks_a_time_stamp_is_known_until_it_has_one(tmp_path: Path) -> None:
    store = ManifestStore(tmp_path)
    store.put(NAME, b"manifests", time_stamped=False)
    before = ManifestStore(tmp_path).unstamped()
    store.put(NAME, b"manifests with a stamp", time_stamped=True)

    assert (before, store.unstamped()) == ([NAME], [])


@pytest.mark.parametrize("label", ["urn:c2pa:../../etc/passwd", "", "urn:c2pa:" + "A" * 36, "a" * 45])
def test_what_is_no_label_names_no_file(label: str, tmp_path: Path) -> None:
    with pytest.raises(msgspec.ValidationError):
        ManifestStore(tmp_path).get(ManifestName(label, NAME.asset))


def test_the_files_before_are_kept_until_they_are_dropped_and_bounded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parents_module, "BYTES_MAX", 100)
    parents = Parents(tmp_path)
    parents.put(NAME, bytes(60))

    with pytest.raises(NodeError, match="UPLOADS_FULL"):
        parents.put(ManifestName(a_label(), NAME.asset), bytes(60))
    assert Parents(tmp_path).get(NAME) == bytes(60)
    parents.drop(NAME)
    assert (parents.has(NAME), parents.get(NAME)) == (False, b"")


def test_a_file_before_that_nobody_recorded_is_old_after_a_day(tmp_path: Path) -> None:
    parents = Parents(tmp_path)
    parents.put(NAME, b"old")
    parents.put(ManifestName(NAME.label, a_digest("young")), b"young")
    os.utime(tmp_path / NAME.stem, (0, time.time() - 25 * 3_600))

    assert parents.older() == [NAME]
