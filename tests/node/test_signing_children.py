"""Children that mark and sign: they have no key, and what they give is what it is said to be."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable

import pytest
from credentialed import CONTAINERS, IMAGE_CODE, a_file, a_label, the_studio

from node.decoding.asking import Answer, Ask, framed
from node.decoding.lanes import SMALL, Decoders
from node.decoding.process import Signs, _exchange
from node.decoding.signing import CallBack, ClaimAsked, MarkAsked, ProgramNamed, SealAsked, StoreMade
from pictures.credentials.embedding import with_manifest
from pictures.credentials.findings import CredentialState
from pictures.credentials.reading import read_credentials
from pictures.marking import watermark_id
from remarque.errors import NodeError

KEY = bytes(range(32))


def a_seal(*, stamped: bool = True, source: str = "trainedAlgorithmicMedia", label: str = "") -> SealAsked:
    studio = the_studio()
    claim = ClaimAsked(
        label=label or a_label(),
        signer=ProgramNamed("Remarque", "0.1.0"),
        at_ms=1_764_000_000_000,
        title="picture",
        image_code=IMAGE_CODE,
        source=source,
    )
    return SealAsked(claim=claim, chain=(studio.leaf, studio.issuing), stamped=stamped)


def by_the_studio(refused: tuple[str, ...] = ()) -> Signs:
    async def signs(call: CallBack) -> bytes:
        if call.what in refused:
            return b""
        return the_studio().sign(call.data) if call.what == "sign" else the_studio().stamp(call.data)

    return signs


def sealed(decoders: Decoders, data: bytes, seal: SealAsked, signs: Signs, parent: bytes = b"") -> StoreMade:
    return asyncio.run(decoders.members.sealed(data, parent, seal, the_studio().root, signs))


@pytest.mark.parametrize("container", CONTAINERS)
def test_a_child_seals_what_the_node_signs_and_stamps(decoders: Decoders, container: str) -> None:
    data, seal = a_file(container), a_seal()
    if container == "TIFF":
        data += bytes(-len(data) % 4)

    made = sealed(decoders, data, seal, by_the_studio())
    found = read_credentials(with_manifest(data, made.store), the_studio().root)
    held = asyncio.run(decoders.members.held(data, made.store, seal.claim.label, the_studio().root))

    assert (found.state, made.time_stamped) == (CredentialState.TRUSTED, True)
    assert held.holds, held.why


def test_without_a_stamp_it_is_sealed_and_stamped_later(decoders: Decoders) -> None:
    data = a_file()
    made = sealed(decoders, data, a_seal(), by_the_studio(refused=("stamp",)))
    later = asyncio.run(decoders.members.stamped(data, made.store, by_the_studio()))

    assert (made.time_stamped, later.time_stamped) == (False, True)
    assert len(later.store) == len(made.store)


def test_a_node_that_signs_nothing_has_nothing_signed(decoders: Decoders) -> None:
    with pytest.raises(NodeError, match="NOT_SIGNED"):
        sealed(decoders, a_file(), a_seal(), by_the_studio(refused=("sign",)))


def test_a_file_before_stays_in_the_manifest_with_its_own(decoders: Decoders) -> None:
    before = the_studio().sealed(a_file()).data
    made = sealed(decoders, a_file(size=96), a_seal(source=""), by_the_studio(), before)
    found = read_credentials(with_manifest(a_file(size=96), made.store), the_studio().root)

    assert found.state is CredentialState.TRUSTED
    assert [one.relationship for one in found.manifests[0].ingredients] == ["parentOf"]
    assert len(found.manifests) == 2


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        (lambda data, store: (a_file(size=96), store), "INVALID"),
        (lambda data, store: (data, store[:-40] + bytes(40)), "INVALID"),
        (lambda data, store: (data, store[:300]), ""),
        (lambda data, store: (data, b"nothing of that kind"), ""),
    ],
)
def test_manifests_of_another_file_or_changed_ones_are_not_held(
    decoders: Decoders, changed: Callable[[bytes, bytes], tuple[bytes, bytes]], why: str
) -> None:
    data, seal = a_file(), a_seal()
    store = sealed(decoders, data, seal, by_the_studio()).store

    found = asyncio.run(decoders.members.held(*changed(data, store), seal.claim.label, the_studio().root))

    assert not found.holds
    assert why in found.why


def test_manifests_under_another_label_are_not_held(decoders: Decoders) -> None:
    data = a_file()
    store = sealed(decoders, data, a_seal(), by_the_studio()).store

    assert not asyncio.run(decoders.members.held(data, store, a_label(), the_studio().root)).holds


@pytest.mark.parametrize("container", CONTAINERS)
def test_a_child_marks_a_picture_in_its_own_container(decoders: Decoders, container: str) -> None:
    label = a_label()
    asked = MarkAsked(watermark_key=KEY, source="digitalCapture", label=label, unique_id=True)

    made = asyncio.run(decoders.members.marked(a_file(container, size=512), asked))

    assert made.mark == f"{watermark_id(label):010x}"
    assert made.media_type == f"image/{container.lower()}"
    assert b"digitalCapture" in made.data
    assert not made.credentialed
    assert made.data != a_file(container, size=512)


def test_marking_keeps_nothing_of_what_a_file_says_and_tells_that_it_has_credentials(decoders: Decoders) -> None:
    asked = MarkAsked(watermark_key=b"", source="", label=a_label(), unique_id=False)
    brought = the_studio().sealed(a_file("JPEG", size=256, comment=b"where I live")).data

    made = asyncio.run(decoders.members.marked(brought, asked))

    assert made.credentialed
    assert b"where I live" in brought
    assert b"where I live" not in made.data
    assert made.mark is None


def test_a_call_is_answered_once() -> None:
    """So that whoever takes a child over has one signature, and no more."""
    counted: list[str] = []

    async def signs(call: CallBack) -> bytes:
        counted.append(call.what)
        return b"signed"

    async def asked() -> Answer:
        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        calls = framed(CallBack("sign", b"one")) + framed(CallBack("sign", b"two")) + framed(StoreMade(b"made", False))
        with ours, theirs:
            theirs.sendall(calls)
            theirs.shutdown(socket.SHUT_WR)
            return await _exchange(ours, Ask("sealed", SMALL, 4), b"data", signs)

    with pytest.raises(EOFError, match="not offered"):
        asyncio.run(asked())
    assert counted == ["sign"]
