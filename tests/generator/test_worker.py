"""A real worker process, spoken to as a node does."""

from __future__ import annotations

import hashlib
import json
import logging
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO

import msgspec
import numpy as np
import pytest
from msgspec import UNSET

pytest.importorskip("torch")
pytest.importorskip("diffusers")

from generator.logs import JsonLines
from generator.models import default_model_folder, model_digest
from generator.protocol import (
    Cancel,
    Failed,
    FromWorker,
    Generate,
    Generated,
    Marks,
    Ready,
    StepProgress,
    Stop,
    ToWorker,
    read_message,
    write_message,
)
from generator.settings import Settings
from ledger.crypto import ATTESTATION, SigningKey, verify
from ledger.encoding import decode
from ledger.generation import Attestation
from pictures.fingerprint import image_code
from pictures.labels import declared_labels
from pictures.marking import watermark_id
from pictures.opening import open_picture
from pictures.picture import pixel_digest
from pictures.watermark import read

KEY = SigningKey(bytes(range(32)))
DECODER: msgspec.msgpack.Decoder[FromWorker] = msgspec.msgpack.Decoder(FromWorker)


class Conversation:
    """A worker process and the two ends of its streams."""

    def __init__(self, folder: Path) -> None:
        key = folder / "key"
        key.write_text(KEY.seed.hex() + "\n")
        command = [sys.executable, "-m", "generator.worker", "--model", str(default_model_folder()), "--key", str(key)]
        command += ["--account", "generator@studio", "--chain", "gallery"]
        self.log = (folder / "log").open("w+b")
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.log)
        self.input: IO[bytes] = self.process.stdin or pytest.fail("no input")
        self.output: IO[bytes] = self.process.stdout or pytest.fail("no output")
        ready = self.receive()
        assert isinstance(ready, Ready)
        assert ready.models == [model_digest(default_model_folder())]

    def send(self, message: ToWorker) -> None:
        write_message(self.input, message)  # type: ignore[arg-type]

    def receive(self) -> FromWorker | None:
        return read_message(self.output, DECODER)  # type: ignore[arg-type]

    def until(self, wanted: Callable[[FromWorker], bool]) -> list[FromWorker]:
        """What the worker says up to and with the message that is wanted."""
        said: list[FromWorker] = []
        while not said or not wanted(said[-1]):
            message = self.receive()
            assert message is not None, "the worker ended"
            said.append(message)
        return said

    def end(self) -> tuple[int, str]:
        """Exit status and log, after the worker has ended by itself."""
        status = self.process.wait(timeout=30)
        self.log.seek(0)
        said = self.log.read().decode()
        for stream in (self.log, self.input, self.output):
            stream.close()
        return status, said


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Conversation]:
    conversation = Conversation(tmp_path_factory.mktemp("worker"))
    yield conversation
    conversation.send(Stop())
    assert conversation.end()[0] == 0


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Conversation]:
    conversation = Conversation(tmp_path)
    yield conversation
    conversation.process.kill()
    if not conversation.log.closed:
        conversation.end()


def a_job(
    job: str, *, steps: int = 4, count: int = 1, confidential: bool = False, model: str = "", marks: Marks | None = None
) -> Generate:
    settings = Settings(prompt="the sea at sunset, a red boat on the left", seed=11, steps=steps)
    digest = model or model_digest(default_model_folder())
    return Generate(
        job, count, settings, hashlib.sha256(job.encode()).hexdigest(), digest, confidential, marks or Marks()
    )


def ended(job: str) -> Callable[[FromWorker], bool]:
    return lambda message: isinstance(message, Failed) and message.job == job


def made(job: str, index: int) -> Callable[[FromWorker], bool]:
    return lambda message: isinstance(message, Generated) and (message.job, message.index) == (job, index)


def either(*wanted: Callable[[FromWorker], bool]) -> Callable[[FromWorker], bool]:
    return lambda message: any(one(message) for one in wanted)


def test_a_job_gives_progress_then_pictures_whose_signed_statements_hold(shared: Conversation) -> None:
    shared.send(a_job("pair", count=2))
    said = shared.until(made("pair", 1))

    assert [(m.index, m.step, m.steps) for m in said if isinstance(m, StepProgress)] == [
        (index, step, 4) for index in (0, 1) for step in (1, 2, 3, 4)
    ]
    for picture in (message for message in said if isinstance(message, Generated)):
        opened = open_picture(picture.png)
        statement = decode(picture.attestation, Attestation)
        assert verify(KEY.public, ATTESTATION, picture.attestation, picture.signature)
        assert (statement.chain, statement.generator, statement.key) == ("gallery", "generator@studio", KEY.public)
        assert (statement.request, statement.index) == (hashlib.sha256(b"pair").hexdigest(), picture.index)
        assert statement.model == model_digest(default_model_folder())
        assert statement.pixel_digest == picture.pixel_digest == pixel_digest(opened)
        assert statement.file_digest == picture.file_digest == hashlib.sha256(picture.png).hexdigest()
        assert statement.image_code == picture.iscc == image_code(opened)
        assert (statement.width, statement.height) == (picture.width, picture.height) == (128, 128)


def test_a_confidential_picture_is_attested_without_its_fingerprint(shared: Conversation) -> None:
    shared.send(a_job("secret", confidential=True))
    picture = shared.until(made("secret", 0))[-1]

    assert isinstance(picture, Generated)
    assert b"image_code" not in picture.attestation
    assert picture.iscc.encode() not in picture.attestation


def test_the_same_settings_give_the_same_pixels(shared: Conversation) -> None:
    shared.send(a_job("once"))
    shared.send(a_job("again"))
    first, second = (shared.until(made(job, 0))[-1] for job in ("once", "again"))

    assert isinstance(first, Generated)
    assert isinstance(second, Generated)
    assert first.pixel_digest == second.pixel_digest


ALL_MARKS = Marks(watermark_key=bytes(range(32)), provider="Atelier", system="Default", version="1", manifest=True)


def test_a_marked_picture_names_its_watermark_and_its_manifest_to_come(shared: Conversation) -> None:
    shared.send(a_job("marked", marks=ALL_MARKS))
    picture = shared.until(made("marked", 0))[-1]

    assert isinstance(picture, Generated)
    statement, labels = decode(picture.attestation, Attestation), declared_labels(picture.png)
    found = read(np.asarray(open_picture(picture.png).image.convert("RGB")), ALL_MARKS.watermark_key)
    assert found is not None
    assert isinstance(statement.manifest, str)
    assert statement.mark == f"{found.id:010x}" == f"{watermark_id(statement.manifest):010x}"
    assert (labels.source_type, labels.system) == ("trainedAlgorithmicMedia", "Default")
    assert statement.manifest.encode() in picture.png
    assert b"Atelier" in picture.png


def test_a_confidential_picture_is_marked_and_will_have_no_manifest(shared: Conversation) -> None:
    shared.send(a_job("marked secret", marks=ALL_MARKS, confidential=True))
    picture = shared.until(made("marked secret", 0))[-1]

    assert isinstance(picture, Generated)
    statement = decode(picture.attestation, Attestation)
    assert isinstance(statement.mark, str)
    assert statement.manifest is UNSET
    assert b"urn:c2pa:" not in picture.png


def test_the_same_picture_asked_for_twice_gets_the_same_watermark(shared: Conversation) -> None:
    """So that the ledger knows its pixels, whoever asks."""
    shared.send(a_job("first marked", marks=ALL_MARKS))
    shared.send(a_job("second marked", marks=ALL_MARKS))
    first, second = (shared.until(made(job, 0))[-1] for job in ("first marked", "second marked"))

    assert isinstance(first, Generated)
    assert isinstance(second, Generated)
    assert first.pixel_digest == second.pixel_digest


def test_a_running_and_a_waiting_job_can_be_withdrawn_and_the_next_is_made(shared: Conversation) -> None:
    shared.send(a_job("long", steps=100))
    shared.send(a_job("waiting"))
    shared.send(a_job("kept"))
    shared.until(lambda message: isinstance(message, StepProgress) and message.job == "long")
    shared.send(Cancel("waiting"))
    shared.send(Cancel("long"))
    said = shared.until(made("kept", 0))

    assert {m.job: m.code for m in said if isinstance(m, Failed)} == {"waiting": "CANCELLED", "long": "CANCELLED"}
    assert [m.job for m in said if isinstance(m, Generated)] == ["kept"]


def test_pictures_are_made_together_and_in_shorter_numbers_where_that_is_asked(shared: Conversation) -> None:
    settings = msgspec.structs.replace(a_job("").settings, batch=2, precision="bfloat16")
    shared.send(msgspec.structs.replace(a_job("short", count=3), settings=settings))
    said = shared.until(either(made("short", 2), ended("short")))

    assert [(m.index, m.step) for m in said if isinstance(m, StepProgress)] == [
        (index, step) for index in (0, 2) for step in (1, 2, 3, 4)
    ]
    files = [m.png for m in said if isinstance(m, Generated)]
    assert len(set(files)) == 3
    shared.send(a_job("long-numbers"))
    *others, last = shared.until(either(made("long-numbers", 0), ended("long-numbers")))
    assert all(isinstance(message, StepProgress) for message in others)
    assert isinstance(last, Generated)
    assert last.png != files[0]


def test_a_setting_without_a_part_fails_its_job_by_name(shared: Conversation) -> None:
    settings = msgspec.structs.replace(a_job("").settings, guidance_centi=50)
    shared.send(msgspec.structs.replace(a_job("weak"), settings=settings))
    failed = shared.until(either(ended("weak"), made("weak", 0)))[-1]

    assert isinstance(failed, Failed)
    assert failed.message.startswith("guidance: up to 1.0 it has no part")
    assert failed.code == "SETTINGS_INVALID"


def test_a_job_for_an_unknown_model_fails_alone(shared: Conversation) -> None:
    shared.send(a_job("strange", model="ff" * 32))
    failed = shared.until(ended("strange"))[-1]

    assert isinstance(failed, Failed)
    assert failed.code == "MODEL_UNKNOWN"
    assert model_digest(default_model_folder()) in failed.message


def test_the_worker_ends_when_its_node_goes_away(own: Conversation) -> None:
    own.send(a_job("long", steps=100, count=16))
    own.until(lambda message: isinstance(message, StepProgress))
    own.input.close()

    assert own.end()[0] == 0


def test_a_bad_frame_ends_the_worker_with_a_clear_message(own: Conversation) -> None:
    own.input.write(b"\x00\x00\x00\x01\xc1")
    own.input.flush()
    status, log = own.end()

    assert status == 2
    lines = [json.loads(line) for line in log.splitlines()]
    assert all({"event", "level", "time"} <= line.keys() for line in lines)
    assert (lines[-1]["level"], "FRAME_INVALID" in lines[-1]["event"]) == ("error", True)


def test_a_record_has_the_form_of_the_nodes_lines() -> None:
    def broken() -> logging.LogRecord:
        try:
            raise ValueError("of\ntwo lines")
        except ValueError:
            return logging.LogRecord("generator", logging.ERROR, "", 0, "job %s failed", ("7",), sys.exc_info())

    line = JsonLines().format(broken())

    told = json.loads(line)
    assert (told["event"], told["level"]) == ("job 7 failed", "error")
    assert told["time"].endswith("Z")
    assert "ValueError: of" in told["exception"]
    assert "\n" not in line
