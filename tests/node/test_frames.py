"""What a peer sends is of the documented shape or is refused by the one error that its reader expects."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from consortium import registering
from written_chain import WrittenChain

from ledger.block import decode_block
from node.chain.stretch import Stretch, decode_stretch, encode_stretch
from node.peers.frames import ForwardRefused, decode_frame, encode_frame

DEEP = b"\x91" * 60_000


def longer(array: bytes) -> bytes:
    """The bytes of a short array in MessagePack with one element more, which is nested deep."""
    return bytes([array[0] + 1]) + array[1:] + DEEP


def not_text(data: bytes) -> bytes:
    """The bytes with text in them that is no UTF-8: the name of a frame, of a leader, or in a header."""
    for word in (b"ForwardRefused", b"leader", b"chain"):
        data = data.replace(word, b"\xff" + word[1:])
    return data


@pytest.mark.parametrize("spoilt", [longer, not_text])
def test_what_a_peer_nests_too_deep_or_writes_in_no_utf8_is_refused_as_what_is_no_frame(
    tmp_path: Path, spoilt: Callable[[bytes], bytes]
) -> None:
    written = WrittenChain(tmp_path)
    block = written.log.entry(written.block(written.ask(registering(1)))).data
    written.close()
    sent: list[tuple[Callable[[bytes], object], bytes]] = [
        (decode_frame, encode_frame(ForwardRefused("a", "b", "c"))),
        (decode_stretch, encode_stretch(Stretch((), b"", 1, "leader"))),
        (decode_block, block),
    ]
    for read, data in sent:
        read(data)
        with pytest.raises(msgspec.DecodeError):
            read(spoilt(data))
