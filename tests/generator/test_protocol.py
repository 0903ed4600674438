"""The worker protocol: what goes in comes out, however the bytes arrive, and anything else is refused."""

from __future__ import annotations

import io
import struct

import msgspec
import pytest

from generator import protocol
from generator.errors import GeneratorError
from generator.protocol import (
    Cancel,
    Failed,
    FrameDecoder,
    FromWorker,
    Generate,
    Generated,
    Ready,
    StepProgress,
    Stop,
    ToWorker,
    encode_frame,
    read_message,
    write_message,
)
from generator.settings import Settings, check_settings


def a_job(**changes: object) -> Generate:
    ask = Generate("job-1", 2, Settings(prompt="the sea at night", seed=7), "ab" * 32, "cd" * 32, False)
    return msgspec.structs.replace(ask, **changes)


TO_WORKER: list[ToWorker] = [a_job(), Cancel("job-1"), Stop()]
FROM_WORKER: list[FromWorker] = [
    Ready(["cd" * 32], "cpu"),
    StepProgress("job-1", 0, 1, 25),
    Generated("job-1", 0, b"png", 128, 128, "00" * 32, "11" * 32, "ISCC:X", b"{}", "22" * 64),
    Failed("job-1", "CANCELLED", "withdrawn"),
]


@pytest.mark.parametrize(("kind", "messages"), [(ToWorker, TO_WORKER), (FromWorker, FROM_WORKER)])
@pytest.mark.parametrize("piece", [1, 3, 7, 10_000])
def test_messages_survive_however_their_bytes_are_cut(kind: object, messages: list[ToWorker], piece: int) -> None:
    stream = b"".join(encode_frame(message) for message in messages)
    decoder: FrameDecoder[ToWorker] = FrameDecoder(kind)

    received = [
        message for start in range(0, len(stream), piece) for message in decoder.feed(stream[start : start + piece])
    ]
    decoder.finish()

    assert received == messages


def test_reading_from_a_stream_gives_the_same_and_ends_with_none() -> None:
    stream = io.BytesIO()
    for message in TO_WORKER:
        write_message(stream, message)
    stream.seek(0)
    decoder: msgspec.msgpack.Decoder[ToWorker] = msgspec.msgpack.Decoder(ToWorker)

    assert [read_message(stream, decoder) for _ in range(4)] == [*TO_WORKER, None]


def test_a_stream_that_ends_within_a_frame_is_refused_both_ways() -> None:
    frame = encode_frame(a_job())
    for length in range(1, len(frame)):
        decoder: FrameDecoder[ToWorker] = FrameDecoder(ToWorker)
        assert decoder.feed(frame[:length]) == []
        with pytest.raises(GeneratorError, match="FRAME_TRUNCATED"):
            decoder.finish()
        with pytest.raises(GeneratorError, match="FRAME_TRUNCATED"):
            read_message(io.BytesIO(frame[:length]), msgspec.msgpack.Decoder(ToWorker))


def test_a_length_over_the_limit_is_refused_before_its_bytes_are_awaited() -> None:
    head = struct.pack(">I", protocol.FRAME_BYTES_MAX + 1)

    with pytest.raises(GeneratorError, match="FRAME_TOO_LARGE"):
        FrameDecoder(ToWorker).feed(head)
    with pytest.raises(GeneratorError, match="FRAME_TOO_LARGE"):
        read_message(io.BytesIO(head), msgspec.msgpack.Decoder(ToWorker))


def test_a_message_too_large_for_a_frame_is_not_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protocol, "FRAME_BYTES_MAX", 50)

    with pytest.raises(GeneratorError, match="FRAME_TOO_LARGE"):
        encode_frame(a_job())


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\xc1",
        msgspec.msgpack.encode({"kind": "unknown"}),
        msgspec.msgpack.encode({"kind": "cancel"}),
        msgspec.msgpack.encode({"kind": "cancel", "job": "x", "more": 1}),
        msgspec.msgpack.encode(Stop()) + b"\x00",
        msgspec.msgpack.encode(a_job(count=17)),
        msgspec.msgpack.encode(a_job(request="AB" * 32)),
        b"\x91" * 5000,
    ],
)
def test_a_frame_that_is_no_message_is_refused(body: bytes) -> None:
    with pytest.raises(GeneratorError, match="FRAME_INVALID"):
        FrameDecoder(ToWorker).feed(struct.pack(">I", len(body)) + body)


WRONG_SETTINGS = [
    {"seed": -1}, {"seed": 2**53}, {"steps": 0}, {"steps": 101}, {"width": 100}, {"width": 56}, {"height": 2056},
    {"prompt": "x" * 2001}, {"guidance_centi": -1}, {"precision": "int8"}, {"batch": 0}, {"batch": 17},
]  # fmt: skip


@pytest.mark.parametrize("wrong", WRONG_SETTINGS)
def test_settings_outside_their_range_are_refused_on_the_wire_and_when_checked(wrong: dict[str, object]) -> None:
    settings = msgspec.structs.replace(a_job().settings, **wrong)

    with pytest.raises(GeneratorError, match="FRAME_INVALID"):
        FrameDecoder(ToWorker).feed(encode_frame(a_job(settings=settings)))
    with pytest.raises(GeneratorError, match="SETTINGS_INVALID"):
        check_settings(settings)
