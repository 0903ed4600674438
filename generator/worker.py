"""The process that makes pictures: `python -m generator.worker --model FOLDER --key FILE --account NAME --chain NAME`.

It speaks the protocol on standard input and output and logs to standard error. One job at a time; a job that fails is
answered with `Failed` and the next one is taken. It exits when it is told to, when its input ends (so that it never
outlives its node) with status 0, and with status 2 when it cannot start or is sent something that is no message.
"""

from __future__ import annotations

import argparse
import logging
import os
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, get_args

import msgspec
from msgspec import UnsetType

from generator import logs
from generator.adapters import AdapterFolder
from generator.attest import Attester, attest, load_key
from generator.devices import Offload, Placement, device_name
from generator.errors import GeneratorCode, GeneratorError
from generator.jobs import WAITING_MAX, Jobs
from generator.models import check_kind, model_digest, verify_model
from generator.pipeline import Pipeline
from generator.protocol import (
    Cancel,
    Failed,
    FrameDecoder,
    FromWorker,
    Generate,
    Ready,
    StepProgress,
    ToWorker,
    write_message,
)
from generator.redrawing import Source, open_source
from generator.settings import Precision

log = logging.getLogger("generator.worker")

READ_BYTES = 1 << 16


@dataclass(frozen=True)
class Shelf:
    """The folders of what a worker draws with."""

    models: tuple[Path, ...]
    adapters: tuple[Path, ...] = ()


WorkerAnswer = Callable[[FromWorker], None]


class Worker:
    """Serves the models of a machine; loads each when it is first asked for."""

    def __init__(
        self, shelf: Shelf, placement: Placement, attester: Attester, answer: WorkerAnswer, jobs: Jobs
    ) -> None:
        """MODEL_UNREADABLE if a folder is not a model's, DEVICE_UNFIT if the machine has not what is placed on it."""
        for folders, adapter in ((shelf.models, False), (shelf.adapters, True)):
            for folder in folders:
                check_kind(folder, adapter=adapter)
        self._folders = {model_digest(folder): folder for folder in shelf.models}
        self._adapters = {model_digest(folder): folder for folder in shelf.adapters}
        self._pipelines: dict[str, Pipeline] = {}
        self._placement = placement
        self._device = device_name(placement)
        self._attester = attester
        self._answer = answer
        self._jobs = jobs

    def serve(self) -> None:
        """Do jobs until there will be no more."""
        self._answer(Ready(list(self._folders), self._device, list(self._adapters)))
        while (ask := self._jobs.take()) is not None:
            try:
                self._generate(ask)
            except GeneratorError as error:
                self._answer(Failed(ask.job, error.code.name, error.detail))
            except Exception as error:  # the process outlives any one job
                log.exception("job %s failed", ask.job)
                fact = f"{type(error).__name__}: {error}; see the worker's log"
                self._answer(Failed(ask.job, GeneratorCode.GENERATION_FAILED.name, fact[:1000]))

    def _generate(self, ask: Generate) -> None:
        pipeline = self._pipeline(ask.model, ask.settings.precision)
        source = None
        if ask.source:
            source = open_source(ask.source_file, ask.source, ask.mask_file, ask.settings)
        with pipeline.adapted(self._added(ask)):
            self._draw(ask, pipeline, source)

    def _draw(self, ask: Generate, pipeline: Pipeline, source: Source | None) -> None:
        first, end = ask.settings.index, ask.settings.index + ask.count
        for start in range(first, end, ask.settings.batch):
            together = range(start, min(start + ask.settings.batch, end))

            def on_step(step: int, steps: int, index: int = start) -> None:
                self._jobs.check()
                self._answer(StepProgress(ask.job, index, step, steps))

            self._jobs.check()
            wanted = [msgspec.structs.replace(ask.settings, index=index) for index in together]
            for index, image in zip(together, pipeline.generate_batch(wanted, on_step, source), strict=True):
                self._answer(attest(image, index, ask, self._attester, pipeline.computed))

    def _added(self, ask: Generate) -> list[AdapterFolder]:
        wanted = () if isinstance(ask.adapters, UnsetType) else ask.adapters
        for one in wanted:
            if one.model not in self._adapters:
                fact = f"adapter {one.model} is not served here"
                raise GeneratorError(GeneratorCode.MODEL_UNKNOWN, f"{fact}; ask without it, or another generator")
        return [AdapterFolder(one.model, self._adapters[one.model], one.weight_centi) for one in wanted]

    def _pipeline(self, digest: str, precision: Precision) -> Pipeline:
        """The model in these numbers. It is held once: in others it is loaded anew, and takes the place of this one."""
        if digest not in self._folders:
            served = ", ".join(self._folders)
            raise GeneratorError(GeneratorCode.MODEL_UNKNOWN, f"{digest} is not served here; ask for one of {served}")
        held = self._pipelines.get(digest)
        if held is None or held.precision != precision:
            self._pipelines.pop(digest, None)
            del held
            verify_model(self._folders[digest], digest)
            log.info("loading %s in %s", self._folders[digest], precision)
            self._pipelines[digest] = Pipeline(self._folders[digest], precision, self._placement)
        return self._pipelines[digest]


def read_jobs(descriptor: int, jobs: Jobs, answer: WorkerAnswer) -> None:
    """Obey messages until the stream ends; what is wrong with it ends up in `jobs.error`.

    Reads the descriptor itself: a buffered reader that waits in a thread makes the interpreter abort at its exit.
    """
    decoder: FrameDecoder[ToWorker] = FrameDecoder(ToWorker)
    try:
        while data := os.read(descriptor, READ_BYTES):
            for message in decoder.feed(data):
                _obey(message, jobs, answer)
        decoder.finish()
        jobs.end()
    except GeneratorError as error:
        jobs.end(error)
    except OSError as error:
        log.warning("the stream broke: %s", error)
        jobs.end()


def main() -> int:
    """Run the worker of the command line; returns the exit status."""
    logs.configure()
    arguments = _arguments()
    output, jobs, lock = _private_output(), Jobs(), threading.Lock()

    def answer(message: FromWorker) -> None:
        with lock:
            write_message(output, message)

    try:
        attester = Attester(arguments.account, arguments.chain, load_key(arguments.key))
        worker = Worker(
            Shelf(tuple(arguments.model), tuple(arguments.adapter)), _placement(arguments), attester, answer, jobs
        )
        threading.Thread(target=read_jobs, args=(sys.stdin.fileno(), jobs, answer), daemon=True).start()
        worker.serve()
    except GeneratorError as error:
        log.error("%s", error)
        return 2
    except BrokenPipeError:
        log.warning("nobody reads the answers any more; exiting")
        return 0
    if jobs.error is not None:
        log.error("%s", jobs.error)
        return 2
    return 0


def _obey(message: ToWorker, jobs: Jobs, answer: WorkerAnswer) -> None:
    if isinstance(message, Generate):
        if not jobs.add(message):
            fact = f"{WAITING_MAX} jobs wait already; ask again later"
            answer(Failed(message.job, GeneratorCode.QUEUE_FULL.name, fact))
    elif isinstance(message, Cancel):
        if jobs.cancel(message.job):
            answer(Failed(message.job, GeneratorCode.CANCELLED.name, "withdrawn before it began"))
    else:
        jobs.stop()


def _private_output() -> BinaryIO:
    """The protocol's way out, under a number that no library knows; whatever is printed goes to standard error."""
    output = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    return output


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m generator.worker", description="Makes pictures for a node.")
    parser.add_argument("--model", type=Path, action="append", required=True, help="a model folder; repeat for more")
    parser.add_argument("--adapter", type=Path, action="append", default=[], help="an adapter folder; repeat for more")
    parser.add_argument("--key", type=Path, required=True, help="file with the generator's Ed25519 seed, 64 hex digits")
    parser.add_argument("--account", required=True, help="the generator's account, such as generator@studio")
    parser.add_argument("--chain", required=True, help="the chain that attestations are for")
    parser.add_argument("--device", default="", help="cpu, cuda or cuda:1; the first GPU if there is one")
    parser.add_argument("--offload", choices=get_args(Offload), default="none", help="what waits off the GPU")
    parser.add_argument("--spread", action="store_true", help="spread the networks over all GPUs")
    parser.add_argument("--attention-slicing", action="store_true", help="compute attention in parts")
    return parser.parse_args()


def _placement(arguments: argparse.Namespace) -> Placement:
    return Placement(arguments.device, arguments.offload, arguments.spread, arguments.attention_slicing)


if __name__ == "__main__":
    sys.exit(main())
