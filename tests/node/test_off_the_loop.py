"""What waits for the disk, or hashes and decodes much, is done off the event loop, whoever asks for it."""

from __future__ import annotations

import asyncio
import hashlib
import io
import json
from pathlib import Path
from random import Random
from types import SimpleNamespace
from typing import Any

import pytest
from aiohttp.test_utils import TestClient, TestServer
from asgi import asked
from consortium import a_digest, registering
from contents import OtherMember, a_face, an_opening_store, until_here
from msgspec import UNSET
from msgspec.structs import replace
from PIL import Image
from written_chain import WrittenChain

from ledger import actions
from ledger.encoding import encode
from ledger.records import asset_key
from ledger.state_answer import verify_state_answer
from ledger.transaction import SignedTransaction
from node.api.peer_port.content import peer_app
from node.chain.reading import Reading
from node.content.blockstore import Blockstore, Opened
from node.decoding.decoding import facts_of
from node.decoding.lanes import OPEN_BYTES_MAX, Decoders
from node.exchange import replicator
from node.exchange.replicator import Replicator, read_kept
from node.verification.verifier import Verifier
from pictures.opening import PICTURE_PIXELS_MAX
from remarque.api.verification import Verification
from remarque.errors import NodeCode, NodeError

DATA = Random(1).randbytes(2_500_000)


def not_on_the_loop() -> None:
    with pytest.raises(RuntimeError):
        asyncio.get_running_loop()


class Watched(Blockstore):
    """A blockstore that no event loop may wait for."""

    def block(self, cid: str) -> bytes | None:
        not_on_the_loop()
        return super().block(cid)


def a_picture(seed: int) -> bytes:
    """A file of a picture with large shapes, as pictures have."""
    small = Image.frombytes("RGB", (7, 5), Random(seed).randbytes(105))
    out = io.BytesIO()
    small.resize((160, 120), Image.Resampling.BICUBIC).save(out, "PNG")
    return out.getvalue()


def declaring(data: bytes, cid: str) -> actions.RegisterAsset:
    """The registration of a picture's file that is stored."""
    facts = facts_of(data, PICTURE_PIXELS_MAX)
    content = actions.Content(cid=cid, size=len(data), media_type=facts.media_type)
    parts = {"pixel_digest": facts.pixel_digest, "file_digest": facts.file_digest, "image_code": facts.main.code}
    return registering("", width=facts.width, height=facts.height, content=content, **parts)


def test_what_is_recorded_is_fetched_at_start_and_as_it_comes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replicator, "RETRY_SECONDS", (0.0, 0.0))
    theirs, ours = Blockstore(tmp_path / "theirs"), Watched(tmp_path / "ours")
    written = WrittenChain(tmp_path)
    old, new, late = theirs.put_file(DATA), theirs.put_file(b"new"), Blockstore(tmp_path / "late").put_file(b"late")

    def recording(cid: str) -> SignedTransaction:
        return written.ask(registering(cid, content=actions.Content(cid=cid, size=1, media_type="image/png")))

    written.block(recording(late), recording(old))

    async def story() -> None:
        openings = an_opening_store(tmp_path)
        fetching = Replicator(written.chain, OtherMember(theirs), ours, openings, tmp_path / "kept")
        running = asyncio.create_task(fetching.run())
        await until_here(ours, old)
        written.block(recording(new))
        await until_here(ours, new)
        await theirs.aside(theirs.put_file, b"late")
        await until_here(ours, late)
        running.cancel()

    asyncio.run(story())

    assert [Blockstore(tmp_path / "ours").file(cid) for cid in (old, new, late)] == [DATA, b"new", b"late"]


def test_a_start_goes_on_where_fetching_was_and_looks_at_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(replicator, "RETRY_SECONDS", (0.0, 0.01))
    monkeypatch.setattr(replicator, "KEEP_SECONDS", 0.01)
    theirs, ours = Blockstore(tmp_path / "theirs"), Watched(tmp_path / "ours")
    written, kept = WrittenChain(tmp_path), tmp_path / "kept"
    old, new, late = theirs.put_file(DATA), theirs.put_file(b"new"), Blockstore(tmp_path / "late").put_file(b"late")
    openings = an_opening_store(tmp_path)

    def recording(cid: str) -> SignedTransaction:
        return written.ask(registering(cid, content=actions.Content(cid=cid, size=1, media_type="image/png")))

    async def first() -> None:
        running = asyncio.create_task(Replicator(written.chain, OtherMember(theirs), ours, openings, kept).run())
        await until_here(ours, old)
        while (found := read_kept(kept)) is None or found.wants != [f"content/{late}"]:
            await asyncio.sleep(0.01)
        running.cancel()

    looked: list[str] = []

    async def second() -> None:
        fetching = Replicator(written.chain, OtherMember(theirs), ours, openings, kept)
        missing = ours.missing
        monkeypatch.setattr(ours, "missing", lambda cid: looked.append(cid) or missing(cid))
        running = asyncio.create_task(fetching.run())
        await theirs.aside(theirs.put_file, b"late")
        for cid in (new, late):
            await until_here(Blockstore(tmp_path / "ours"), cid)
        (file,) = (path for path in (tmp_path / "ours").rglob(new))
        file.write_bytes(b"damaged")
        assert await ours.aside(ours.block, new) is None
        await until_here(Blockstore(tmp_path / "ours"), new)
        running.cancel()

    written.block(recording(late), recording(old))
    asyncio.run(first())
    written.block(recording(new))
    asyncio.run(second())

    assert old not in looked
    assert set(looked) == {new, late}


def test_a_disk_that_does_not_take_how_far_fetching_is_ends_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(replicator, "KEEP_SECONDS", 0.01)
    written, store, faults = WrittenChain(tmp_path), Watched(tmp_path / "ours"), iter([True] * 3)
    write = replicator.write_durably

    def failing(path: Path, data: bytes) -> None:
        if next(faults, False):
            raise OSError(28, "No space left on device")
        write(path, data)

    monkeypatch.setattr(replicator, "write_durably", failing)

    async def story() -> None:
        kept = tmp_path / "kept"
        fetching = Replicator(written.chain, OtherMember(store), store, an_opening_store(tmp_path), kept)
        running = asyncio.create_task(fetching.run())
        while read_kept(kept) is None:
            assert not running.done()
            await asyncio.sleep(0.01)
        running.cancel()

    asyncio.run(story())


def test_content_is_stored_and_streamed_off_the_loop(tmp_path: Path, decoders: Decoders) -> None:
    written, store = WrittenChain(tmp_path), Watched(tmp_path / "content")
    data = a_picture(1)
    large = Blockstore(tmp_path / "content").put_file(DATA)

    async def story() -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
        app = a_face(written, store, decoders.members)
        stored = [message async for message in asked(app, "POST", "/v1/content", data)]
        return stored, [message async for message in asked(app, "GET", f"/v1/content/{large}")]

    (start, *parts), (head, *body) = asyncio.run(story())

    stored = json.loads(b"".join(part["body"] for part in parts))
    assert (start["status"], stored["file_digest"]) == (201, hashlib.sha256(data).hexdigest())
    assert Blockstore(tmp_path / "content").file(stored["cid"]) == data
    assert (head["status"], dict(head["headers"])[b"content-length"]) == (200, str(len(DATA)).encode())
    assert b"".join(part["body"] for part in body) == DATA
    assert max(len(part["body"]) for part in body) == 1_048_576


def test_a_file_that_loses_a_block_while_it_is_sent_is_broken_off_and_not_cut_short(tmp_path: Path) -> None:
    class Losing(Blockstore):
        def open(self, cid: str) -> Opened:
            found = super().open(cid)
            self._file(found._leaves[-1].cid).unlink()
            return found

    written, store = WrittenChain(tmp_path), Losing(tmp_path / "content")
    cid, sent = store.put_file(DATA), []

    async def story() -> None:
        async for message in asked(a_face(written, store), "GET", f"/v1/content/{cid}"):
            sent.append(message)

    with pytest.raises(NodeError, match="CONTENT_MISSING"):
        asyncio.run(story())
    assert sum(len(part["body"]) for part in sent[1:]) == 2 * 1_048_576
    assert all(part["more_body"] for part in sent[1:])


def test_a_peer_is_given_blocks_off_the_loop(tmp_path: Path) -> None:
    store = Watched(tmp_path / "content")
    cid = Blockstore(tmp_path / "content").put_file(b"picture")

    async def story() -> list[tuple[int, bytes]]:
        app = peer_app(
            OtherMember(store), None, store, None, SimpleNamespace(release=None, release_share=None, release_seal=None)
        )
        async with TestClient(TestServer(app)) as peer:
            answers = [await peer.get(f"/v1/blocks/{name}") for name in (cid, cid[:-2] + "iq", "no-id")]
            return [(answer.status, await answer.read()) for answer in answers]

    found, *missing = asyncio.run(story())

    assert found == (200, b"picture")
    assert [status for status, _ in missing] == [404, 404]


async def verified(verifier: Verifier, data: bytes) -> Verification:
    """What a verifier that has read its index says."""
    await verifier.lookup.run()
    return await verifier.verify(data, "bob@agency", member=True)


def test_what_is_not_indexed_yet_is_not_said_to_be_unknown(tmp_path: Path, decoders: Decoders) -> None:
    written = WrittenChain(tmp_path)
    verifier = Verifier(
        written.chain, Reading(written.chain), Blockstore(tmp_path / "content"), decoders, tmp_path / "likenesses"
    )

    with pytest.raises(NodeError) as refused:
        asyncio.run(verifier.verify(a_picture(1), "bob@agency", member=True))

    assert refused.value.code is NodeCode.INDEX_LOADING


def test_a_near_picture_is_compared_off_the_loop(tmp_path: Path, decoders: Decoders) -> None:
    written, store = WrittenChain(tmp_path), Watched(tmp_path / "content")
    data, out = a_picture(2), io.BytesIO()
    written.block(written.ask(declaring(data, Blockstore(tmp_path / "content").put_file(data))))
    Image.open(io.BytesIO(data)).save(out, "JPEG", quality=95)

    found = asyncio.run(
        verified(
            Verifier(written.chain, Reading(written.chain), store, decoders, tmp_path / "likenesses"), out.getvalue()
        )
    )

    assert found.verdict == "near_duplicate"
    assert found.matches[0].receipt.header.height == 1


def test_what_is_recorded_during_a_search_does_not_contradict_its_proofs(tmp_path: Path, decoders: Decoders) -> None:
    written = WrittenChain(tmp_path)
    written.block(written.ask(registering("other")))
    data = a_picture(3)
    registration = replace(declaring(data, registering("").content.cid), image_code=UNSET)

    armed: list[bool] = []

    class Interrupted(Reading):
        async def piece(self, work: Any, *arguments: Any, **named: Any) -> Any:
            if armed and written.chain.committed.height == 1:
                written.block(written.ask(registration))
            return await super().piece(work, *arguments, **named)

    verifier = Verifier(
        written.chain, Interrupted(written.chain), Blockstore(tmp_path / "content"), decoders, tmp_path / "likenesses"
    )

    async def story() -> Verification:
        await verifier.lookup.run()
        armed.append(True)
        return await verifier.verify(data, "bob@agency", member=True)

    found = asyncio.run(story())

    assert written.chain.committed.height == 2
    absence = verify_state_answer(encode(found.absence), written.chain.genesis)
    assert (found.verdict, found.height, absence.header.height) == ("not_recorded", 1, 1)
    assert absence.value(asset_key(found.pixel_digest)) is None


def test_of_equally_near_pictures_all_nodes_name_the_same_whenever_they_started(
    tmp_path: Path, decoders: Decoders
) -> None:
    written, store = WrittenChain(tmp_path), Blockstore(tmp_path / "content")
    code = declaring(a_picture(4), registering("").content.cid).image_code

    async def story() -> list[Any]:
        running = Verifier(written.chain, Reading(written.chain), store, decoders, tmp_path / "likenesses")
        await running.lookup.run()
        for numbers in ((3, 1), (2, 9, 4), (8,)):
            written.block(*(written.ask(registering(number, image_code=code)) for number in numbers))
        restarted = Verifier(written.chain, Reading(written.chain), store, decoders, tmp_path / "likenesses")
        await restarted.lookup.run()
        return [(await one.verify(a_picture(4), "bob@agency", member=True)).matches for one in (running, restarted)]

    found = asyncio.run(story())

    named = [[match.asset for match in matches] for matches in found]
    assert named[0] == named[1]
    assert [match.height for match in found[0]] == [1, 1, 2, 2, 2, 3]
    assert set(named[0]) == {a_digest(number) for number in (1, 2, 3, 4, 8, 9)}


def test_a_member_who_verifies_does_not_wait_behind_strangers(tmp_path: Path, decoders: Decoders) -> None:
    written = WrittenChain(tmp_path)
    written.block(written.ask(registering("other")))
    verifier = Verifier(
        written.chain, Reading(written.chain), Blockstore(tmp_path / "content"), decoders, tmp_path / "likenesses"
    )

    async def story() -> Verification:
        with decoders.strangers.room(OPEN_BYTES_MAX, "10.0.0.1"):
            with pytest.raises(NodeError, match="OVERLOADED"):
                await verifier.verify(a_picture(5), "10.0.0.1", member=False)
            return await verified(verifier, a_picture(5))

    assert asyncio.run(story()).verdict == "not_recorded"
