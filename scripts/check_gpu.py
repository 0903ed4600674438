"""Checks on a machine with a CUDA GPU what no test can without one: precisions, offload, spreading, slices, batches.

    python scripts/check_gpu.py

Without a GPU it says so and ends with status 2. It needs no download: tiny random weights of every family are made
here, and the default model ships with Remarque. It begins no check after eight minutes, names those that it left out,
and ends with status 1 if one did not hold or was left out.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "support")]

import torch
from msgspec.structs import replace
from PIL import Image
from tiny_models import TINY, written

from generator.benching import measure
from generator.devices import Placement
from generator.errors import GeneratorCode, GeneratorError
from generator.models import default_model_folder
from generator.pipeline import Pipeline
from generator.regenerate import as_png, compare
from generator.settings import Precision, Settings

SECONDS_MAX = 480
ASKED = Settings(prompt="a red boat at the sea", seed=7, steps=4, width=64, height=96)
SHORT: tuple[Precision, ...] = ("bfloat16", "float16")


@dataclass
class Report:
    """What was checked, in a line each."""

    started: float = field(default_factory=time.monotonic)
    wrong: int = 0
    left_out: list[str] = field(default_factory=list)

    def check(self, name: str, holds: Callable[[], str]) -> None:
        """Run a check; what it gives is told, and whatever it raises makes it wrong."""
        at = time.monotonic() - self.started
        if at > SECONDS_MAX:
            self.left_out.append(name)
            return
        try:
            said, word = holds(), "holds"
        except Exception as error:  # a check that fails must not keep the others from running
            self.wrong += 1
            said, word = f"{type(error).__name__}: {error}"[:300], "WRONG"
        print(f"{at:6.1f} s  {word}  {name}: {said}", flush=True)


def main() -> int:
    """The exit status."""
    if not torch.cuda.is_available():
        print(f"no GPU: PyTorch {torch.__version__} sees none here; run this on a machine with one", file=sys.stderr)
        return 2
    print(f"{torch.cuda.get_device_name()}, PyTorch {torch.__version__}")
    report = Report()
    with tempfile.TemporaryDirectory() as folder:
        check_all(report, Path(folder), "cuda")
    if report.left_out:
        print(f"left out after {SECONDS_MAX} s: {', '.join(report.left_out)}")
    return 1 if report.wrong or report.left_out else 0


def check_all(report: Report, root: Path, device: str) -> None:
    """Every check, the cheap and telling ones first."""
    for name in TINY:
        report.check(f"{name}, every precision", lambda name=name: precisions(written(name, root), device))
    for name in ("flux", "hunyuan_dit", "qwen_image", "stable_diffusion_xl", "z_image"):
        for placement in (Placement(device, "model"), Placement(device, "layers"), Placement(device, spread=True)):
            words = f"{name}, {'spread' if placement.spread else placement.offload + ' offloaded'}"
            report.check(words, lambda name=name, placement=placement: same_as_whole(root / name, placement))
    report.check("ended within an offloaded run", lambda: ended_within(root / "flux", Placement(device, "model")))
    report.check("sliced attention", lambda: sliced(device))
    report.check("too little memory is told, and the next picture made", lambda: too_little_memory(device))
    for batch in (1, 4, 16):
        for precision in ("float32", *SHORT):
            report.check(f"default model, {precision}, batch {batch}", lambda p=precision, b=batch: timed(device, p, b))


def precisions(folder: Path, device: str) -> str:
    """float32 comes again, near the processor's; shorter numbers make two pictures together, unlike each other."""
    whole = Pipeline(folder, placement=Placement(device))
    settings = asked(whole)
    first = picture(whole, settings)
    expect(first.tobytes() == picture(whole, settings).tobytes(), "the same seed gave another picture")
    other = picture(Pipeline(folder, placement=Placement("cpu")), settings)
    found = compare(as_png(other), as_png(first))
    for precision in SHORT:
        short = Pipeline(folder, precision, Placement(device))
        pair = replace(settings, precision=precision, batch=2)
        made = short.generate_batch([pair, replace(pair, index=1)], lambda step, steps: None)
        expect(len({image.tobytes() for image in made}) == 2, f"{precision}: two seeds gave one picture")
    return f"against the processor {found.verdict}, at most {found.max_difference} of 255 apart"


def same_as_whole(folder: Path, placement: Placement) -> str:
    """Where a model waits changes no pixel."""
    whole, placed = Pipeline(folder, placement=Placement(placement.device)), Pipeline(folder, placement=placement)
    settings = asked(whole)
    expect(picture(placed, settings).tobytes() == picture(whole, settings).tobytes(), "another picture")
    return f"the same pixels, and the record says {placed.computed}"


def ended_within(folder: Path, placement: Placement) -> str:
    """What ends a step ends the run, and the next picture is as if nothing had been."""
    pipeline = Pipeline(folder, placement=placement)
    settings = asked(pipeline)
    before = picture(pipeline, settings)

    def refuse(step: int, steps: int) -> None:
        raise KeyError(step)

    try:
        pipeline.generate(settings, refuse)
    except KeyError as error:
        expect(error.args == (1,), "it went on for a step")
    expect(picture(pipeline, settings).tobytes() == before.tobytes(), "the next picture is another")
    return "after the first step"


def sliced(device: str) -> str:
    """It is done where a model can, and stated."""
    whole, parts = (
        Pipeline(default_model_folder(), placement=Placement(device, attention_slicing=s)) for s in (False, True)
    )
    found = compare(*(as_png(picture(one, Settings(prompt="hills", seed=1, steps=8))) for one in (whole, parts)))
    expect(parts.computed.attention_slicing, "the record does not say so")
    expect(found.verdict != "different", f"another picture: {found}")
    return f"{found.verdict}; the record says {parts.computed}"


def too_little_memory(device: str) -> str:
    """OUT_OF_MEMORY, by its name."""
    pipeline = Pipeline(default_model_folder(), placement=Placement(device))
    settings = Settings(prompt="hills", seed=1, steps=1)
    large = replace(settings, width=2048, height=2048, batch=16)
    with little_memory():
        try:
            pipeline.generate_batch([replace(large, index=index) for index in range(16)], lambda step, steps: None)
        except GeneratorError as error:
            expect(error.code is GeneratorCode.OUT_OF_MEMORY, str(error))
        else:
            raise AssertionError("it found the memory")
    picture(pipeline, settings)
    return "OUT_OF_MEMORY"


def timed(device: str, precision: Precision, batch: int) -> str:
    """Seconds a picture and memory, beside diffusers alone."""
    placement = Placement(device)
    pipeline = Pipeline(default_model_folder(), precision, placement)
    settings = Settings(prompt="hills at noon", seed=1, steps=20, precision=precision, batch=batch)
    found = measure(pipeline, settings, 3, placement)
    memory = found.peak_bytes / 2**20
    return f"{found.seconds:.4f} s a picture, {found.ratio:.2f} of diffusers alone, at most {memory:,.0f} MiB"


@contextmanager
def little_memory() -> Iterator[None]:
    """Let PyTorch have a hundredth of the GPU."""
    torch.cuda.empty_cache()
    torch.cuda.set_per_process_memory_fraction(0.01)
    yield
    torch.cuda.set_per_process_memory_fraction(1.0)


def asked(pipeline: Pipeline) -> Settings:
    """Settings that this model takes."""
    return replace(ASKED, guidance_centi=450 if pipeline.family.guided_by else 0)


def picture(pipeline: Pipeline, settings: Settings) -> Image.Image:
    return pipeline.generate(settings, lambda step, steps: None)


def expect(holds: bool, fact: str) -> None:
    if not holds:
        raise AssertionError(fact)


if __name__ == "__main__":
    sys.exit(main())
