"""Commands about a generator on this machine: measuring it, and having it work for a node."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast, get_args

import click
from msgspec.structs import asdict

from generator.devices import Offload, Placement
from generator.models import default_model_folder
from generator.settings import BATCH_MAX, Precision, Settings
from ledger.crypto import SigningKey
from node.cli.target import Target, with_target
from remarque.keys.files import load_key

PROMPT = "a lighthouse on the left by the sea at sunset"
GUIDANCE_CENTI = 500
"""For a model that is guided, as `remarque generate` has it."""
MODELS = "Model folder; repeat for more. The default model if none."
FOLDER = click.Path(path_type=Path, file_okay=False, exists=True)


def placed(command: Callable[..., Any]) -> Callable[..., Any]:
    """Options for where a model computes."""
    for option in (
        click.option("--attention-slicing", is_flag=True, help="Compute attention in parts."),
        click.option("--spread", is_flag=True, help="Spread the networks over all GPUs."),
        click.option("--offload", type=click.Choice(get_args(Offload)), default="none", show_default=True),
        click.option("--device", default="", help="cpu, cuda or cuda:1; the first GPU if there is one."),
    ):
        command = option(command)
    return command


def served(command: Callable[..., Any]) -> Callable[..., Any]:
    """Options for what a worker draws with, and where it computes."""
    for option in (
        placed,
        click.option(
            "--adapter", "adapters", type=FOLDER, multiple=True, help="Adapter folder (LoRA); repeat for more."
        ),
        click.option("--model", "models", type=FOLDER, multiple=True, help=MODELS),
    ):
        command = option(command)
    return command


@click.group()
def generator() -> None:
    """Look after a generator on this machine."""


@generator.command()
@click.option("--model", type=FOLDER, help="Model folder; the default model.")
@click.option("--size", type=(int, int), default=(128, 128), show_default=True, help="Width and height in pixels.")
@click.option("--steps", type=click.IntRange(1, 100), default=20, show_default=True, help="Steps of the sampler.")
@click.option("--batch", type=click.IntRange(1, BATCH_MAX), default=1, show_default=True, help="Pictures at a time.")
@click.option("--rounds", type=click.IntRange(1, 100), default=5, show_default=True, help="Turns that count.")
@click.option("--precision", type=click.Choice(get_args(Precision)), default="float32", show_default=True)
@placed
@with_target
def bench(
    target: Target,
    model: Path | None,
    size: tuple[int, int],
    steps: int,
    batch: int,
    rounds: int,
    precision: str,
    device: str,
    offload: str,
    spread: bool,
    attention_slicing: bool,
) -> None:
    """Measure seconds a picture and memory, beside diffusers alone in the same run."""
    from generator.benching import measure
    from generator.pipeline import Pipeline

    numbers = cast(Precision, precision)
    placement = Placement(device, cast(Offload, offload), spread, attention_slicing)
    pipeline = Pipeline(model or default_model_folder(), numbers, placement)
    settings = Settings(
        prompt=PROMPT,
        seed=0,
        steps=steps,
        guidance_centi=GUIDANCE_CENTI if pipeline.family.guided_by else 0,
        width=size[0],
        height=size[1],
        precision=numbers,
        batch=batch,
    )
    found = measure(pipeline, settings, rounds, placement)
    target.show(
        {"model": pipeline.digest} | asdict(found),
        f"{found.seconds:.3f} s a picture ({found.ratio:.2f} of diffusers alone, {found.plain_seconds:.3f} s), "
        f"at most {found.peak_bytes / 2**20:,.0f} MiB on {found.device}\n"
        f"model {pipeline.digest[:16]}…, {found.width} x {found.height}, {found.steps} steps, "
        f"{found.batch} at a time, {found.precision}, median of {found.rounds} rounds",
    )


@generator.command()
@served
@with_target
def work(
    target: Target,
    models: tuple[Path, ...],
    adapters: tuple[Path, ...],
    device: str,
    offload: str,
    spread: bool,
    attention_slicing: bool,
) -> None:
    """Make pictures for a node, for ever: pull what is asked of it, and record them.

    --account is an account of the node's org with the role generator, --node that one node. SIGTERM gives back what is
    being made, for another worker to go on with.
    """
    from generator import logs
    from generator.pulling import pull_until_told
    from generator.worker import Shelf

    url, account, key = worker_of(target)
    logs.configure()
    placement = Placement(device, cast(Offload, offload), spread, attention_slicing)
    shelf = Shelf(models or (default_model_folder(),), adapters)
    asyncio.run(pull_until_told(url, account, key, shelf, placement))


@generator.command()
@click.option("--workers", type=click.IntRange(1, 32), default=1, show_default=True, help="How many.")
@click.option(
    "--gpus", type=click.FloatRange(0), default=1.0, show_default=True, help="GPUs that each has; 0: processors alone."
)
@click.option("--ray", "address", default="", help="Address of the org's own Ray cluster; this machine alone if none.")
@served
@with_target
def fleet(
    target: Target,
    workers: int,
    gpus: float,
    address: str,
    models: tuple[Path, ...],
    adapters: tuple[Path, ...],
    device: str,
    offload: str,
    spread: bool,
    attention_slicing: bool,
) -> None:
    """Run several workers on Ray, each as `work` does: those that die are started anew.

    Needs remarque[fleet]. All of them work as --account, with its one key.
    """
    from generator.fleet import Pulling, run_fleet
    from generator.worker import Shelf

    url, account, key = worker_of(target)
    placement = Placement(device, cast(Offload, offload), spread, attention_slicing)
    shelf = Shelf(tuple(map(Path.resolve, models)) or (default_model_folder(),), tuple(map(Path.resolve, adapters)))
    with contextlib.suppress(KeyboardInterrupt):
        run_fleet(Pulling(url, account, key.seed, shelf, placement), workers, gpus, address)


def worker_of(target: Target) -> tuple[str, str, SigningKey]:
    """The node that a worker pulls from, its account and its key."""
    if len(target.urls) != 1:
        raise click.UsageError("a worker pulls from one node; give --node once, and start another worker for another")
    if target.key is None:
        raise click.UsageError("a worker signs what it makes; give --key")
    return target.urls[0], target.signer, load_key(target.key)
