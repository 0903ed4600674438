"""Where a model computes, and what is said of it. Nothing here needs a GPU: what would is refused without one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from msgspec import UNSET

pytest.importorskip("torch")
pytest.importorskip("diffusers")

import diffusers
import torch

from generator.devices import Placement, chosen_device, computation, device_name, open_placed
from generator.errors import GeneratorError
from generator.models import default_model_folder
from generator.pipeline import Pipeline, Settings
from ledger.generation import Computation

REFUSED = [
    (Placement("tpu"), "no device"),
    (Placement("cuda:x"), "no device"),
    (Placement("cuda:7"), "PyTorch sees 0 GPUs"),
    (Placement("cpu", offload="model"), "need a GPU"),
    (Placement(spread=True), "need a GPU"),
]


class FakePipe:
    """Keeps what it is told, in order."""

    def __init__(self) -> None:
        self.told: list[str] = []
        self.components: dict[str, Any] = {}

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        return lambda *given, **options: self.told.append(" ".join(map(str, (name, *given, *options.values()))))


@pytest.fixture
def two_gpus(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, Any]]:
    """A machine that says it has two GPUs, and models that are only told where to go. What opening was given."""
    given: dict[str, Any] = {"pipe": FakePipe()}
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda device: f"NVIDIA of {device}")
    monkeypatch.setattr(torch, "use_deterministic_algorithms", lambda mode, warn_only: None)
    monkeypatch.setattr(diffusers, "DiffusionPipeline", SimpleNamespace(from_pretrained=lambda folder, **options: (
        given.update(options), given["pipe"])[1]))  # fmt: skip
    matmul, convolution = torch.backends.cuda.matmul, torch.backends.cudnn
    before = matmul.allow_tf32, convolution.allow_tf32, convolution.deterministic
    matmul.allow_tf32 = convolution.allow_tf32 = True
    yield given
    matmul.allow_tf32, convolution.allow_tf32, convolution.deterministic = before


@pytest.mark.parametrize(("placement", "fact"), REFUSED)
def test_what_the_machine_has_not_is_refused(placement: Placement, fact: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)

    with pytest.raises(GeneratorError, match=f"DEVICE_UNFIT: .*{fact}"):
        chosen_device(placement)


def test_a_machine_without_a_gpu_computes_on_its_processor(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)

    assert (chosen_device(Placement()), device_name(Placement())) == ("cpu", "cpu")


@pytest.mark.parametrize(
    ("placement", "told"),
    [
        (Placement(), ["to cuda"]),
        (Placement("cuda:1"), ["to cuda:1"]),
        (Placement("cpu"), ["to cpu"]),
        (Placement(offload="model"), ["enable_model_cpu_offload cuda"]),
        (Placement(offload="layers"), ["enable_sequential_cpu_offload cuda"]),
        (Placement(spread=True), []),
        (Placement(attention_slicing=True), ["to cuda", "enable_attention_slicing"]),
    ],
)
def test_a_model_goes_where_it_is_placed(placement: Placement, told: list[str], two_gpus: dict[str, Any]) -> None:
    pipe = open_placed(Path("model"), "bfloat16", placement)

    assert [word for word in pipe.told if not word.startswith("set_progress")] == told
    assert (two_gpus["dtype"], two_gpus.get("device_map")) == (torch.bfloat16, "balanced" if placement.spread else None)
    assert two_gpus["use_safetensors"] is two_gpus["local_files_only"] is True


def test_float32_on_a_gpu_is_not_shortened(two_gpus: dict[str, Any]) -> None:
    chosen_device(Placement("cpu"))
    assert torch.backends.cuda.matmul.allow_tf32 is torch.backends.cudnn.allow_tf32 is True

    chosen_device(Placement())
    assert torch.backends.cuda.matmul.allow_tf32 is torch.backends.cudnn.allow_tf32 is False


def test_a_model_is_spread_or_offloaded_and_not_both(two_gpus: dict[str, Any]) -> None:
    with pytest.raises(GeneratorError, match="DEVICE_UNFIT: a model is spread or offloaded"):
        chosen_device(Placement(spread=True, offload="layers"))


def test_a_record_names_the_gpu_and_says_nothing_of_a_processor(two_gpus: dict[str, Any]) -> None:
    assert computation(FakePipe(), Placement("cuda:1")) == Computation(device="NVIDIA of cuda:1")
    assert computation(FakePipe(), Placement("cpu")) is UNSET


def test_sliced_attention_is_stated_where_a_model_has_it() -> None:
    settings = Settings(prompt="hills at noon", seed=3, steps=1)
    sliced = Pipeline(default_model_folder(), placement=Placement("cpu", attention_slicing=True))

    assert sliced.computed == Computation(device="cpu", attention_slicing=True)
    assert sliced.generate(settings, lambda step, steps: None).size == (128, 128)
    assert computation(FakePipe(), Placement("cpu", attention_slicing=True)) is UNSET
