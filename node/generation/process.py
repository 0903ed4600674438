"""The worker process: started when it is needed, spoken to through its standard input and output.

It holds torch and the device; whatever happens to it, the node goes on. If it dies its output ends, and if its input is
closed it ends.
"""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

from generator.errors import GeneratorError
from generator.models import default_model_folder
from generator.protocol import Cancel, FrameDecoder, FromWorker, Generate, Ready, encode_frame
from ledger.crypto import SigningKey
from node.generation.heard import Served
from node.ground.config import GeneratorSection
from node.ground.logs import logger
from remarque.errors import NodeCode, NodeError

START_SECONDS_MAX = 120.0
SILENCE_SECONDS_MAX = 600.0
"""How long a worker may say nothing: a step of a picture takes less on any device that is of use."""
READ_BYTES = 256 * 1024


class WorkerGone(Exception):
    """The worker ended or spoke nonsense. Start another; the job goes on from its last recorded picture."""


class WorkerProcess:
    """One running worker."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self._decoder: FrameDecoder[FromWorker] = FrameDecoder(FromWorker)
        self._messages: list[FromWorker] = []
        self.served = Served(())

    @classmethod
    async def start(cls, section: GeneratorSection, home: Path, chain: str, key: SigningKey) -> WorkerProcess:
        """Start a worker and wait until it is ready. GENERATOR_ABSENT if it cannot be.

        It is given its key in memory, so that one under a passphrase is opened once and never stands on a disk.
        """
        folders = [str(home / folder) for folder in section.models] or [str(default_model_folder())]
        arguments = [word for folder in folders for word in ("--model", folder)]
        arguments += [word for folder in section.adapters for word in ("--adapter", str(home / folder))]
        handed = _in_memory(key)
        try:
            process = await asyncio.create_subprocess_exec(
                section.python or sys.executable,
                "-m",
                "generator.worker",
                *arguments,
                "--key",
                f"/proc/self/fd/{handed}",
                "--account",
                section.account,
                "--chain",
                chain,
                *_placement(section),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                pass_fds=(handed,),
                # Threads that wait by turning round starve everything else on the machine, and themselves.
                env={"OMP_WAIT_POLICY": "PASSIVE", **os.environ},
            )
        finally:
            os.close(handed)
        worker = cls(process)
        try:
            async with asyncio.timeout(START_SECONDS_MAX):
                first = await worker.receive()
        except (TimeoutError, WorkerGone) as error:
            await worker.stop()
            raise NodeError(
                NodeCode.GENERATOR_ABSENT,
                f"the generator's worker does not start ({error}); its errors are in this node's log. "
                "Are the generator's packages installed (remarque[generator])?",
                10,
            ) from None
        if not isinstance(first, Ready):
            await worker.stop()
            raise NodeError(NodeCode.GENERATOR_ABSENT, "the generator's worker is of another version", 10)
        worker.served = Served(tuple(first.models), tuple(first.adapters))
        logger.info("generator_ready", device=first.device, models=first.models, pid=process.pid)
        return worker

    def send(self, message: Generate | Cancel) -> None:
        """Give it work, or take it back."""
        if self._process.stdin is not None:
            self._process.stdin.write(encode_frame(message))

    async def receive(self) -> FromWorker:
        """Its next message; WorkerGone when there will be none."""
        while not self._messages:
            try:
                async with asyncio.timeout(SILENCE_SECONDS_MAX):
                    data = await self._process.stdout.read(READ_BYTES) if self._process.stdout is not None else b""
            except TimeoutError:
                raise WorkerGone(f"it said nothing for {SILENCE_SECONDS_MAX:.0f} s") from None
            if not data:
                raise WorkerGone(f"it ended with status {await self._process.wait()}")
            try:
                self._messages.extend(self._decoder.feed(data))
            except GeneratorError as error:
                raise WorkerGone(str(error)) from None
        return self._messages.pop(0)

    async def stop(self) -> None:
        """End it: first by closing its input, then by signal."""
        if self._process.stdin is not None:
            self._process.stdin.close()
        try:
            async with asyncio.timeout(3.0):
                await self._process.wait()
        except TimeoutError:
            self._process.kill()
            await self._process.wait()


def _placement(section: GeneratorSection) -> list[str]:
    """The worker's arguments for where a model computes."""
    words = ["--device", section.device, "--offload", section.offload]
    words += ["--spread"] if section.spread else []
    return words + (["--attention-slicing"] if section.attention_slicing else [])


def _in_memory(key: SigningKey) -> int:
    """Descriptor of a file in memory with the key's seed, as key files in clear have it."""
    memory = os.memfd_create("generator-key")
    os.write(memory, key.seed.hex().encode())
    return memory
