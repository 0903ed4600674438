"""Where a model computes, and in which numbers: what an operator chooses, and what a record says about it.

Where something is computed changes its last bits; whether the whole model lies on the device or is brought there part
by part changes nothing. So a record names the device and sliced attention, and the offload is the operator's business.
On a GPU float32 means float32: the shorter products that GPUs use in its place are switched off, and every operation
that has a deterministic form uses it.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, Literal

from msgspec import UNSET, UnsetType

from generator.errors import GeneratorCode, GeneratorError
from generator.settings import Precision
from ledger.generation import Computation

Offload = Literal["none", "model", "layers"]

CPU = "cpu"


@dataclass(frozen=True)
class Placement:
    """How a model is laid out on this machine. DEVICE_UNFIT, when a model is opened, if the machine cannot."""

    device: str = ""
    """`cpu`, `cuda` or `cuda:1`; empty: the first GPU if there is one, else the processor."""
    offload: Offload = "none"
    """What waits in the processor's memory until it is needed: nothing, whole networks, or single layers."""
    spread: bool = False
    """Whether the networks are spread over all GPUs."""
    attention_slicing: bool = False
    """Whether attention is computed in parts, where the model can: less memory, slower, rounded differently."""


def open_placed(folder: Path, precision: Precision, placement: Placement) -> Any:
    """The pipeline of a model folder, on its device: safetensors only, and no code from the folder."""
    torch, diffusers = import_module("torch"), import_module("diffusers")
    device = chosen_device(placement)
    options = {"dtype": getattr(torch, precision), "use_safetensors": True, "local_files_only": True}
    if placement.spread:
        options["device_map"] = "balanced"
    pipe = diffusers.DiffusionPipeline.from_pretrained(str(folder), **options)
    pipe.set_progress_bar_config(disable=True)
    if placement.offload == "model":
        pipe.enable_model_cpu_offload(device=device)
    elif placement.offload == "layers":
        pipe.enable_sequential_cpu_offload(device=device)
    elif not placement.spread:
        pipe.to(device)
    if placement.attention_slicing:
        pipe.enable_attention_slicing()
    return pipe


def chosen_device(placement: Placement) -> str:
    """The device in PyTorch's words, made exact if it is a GPU. DEVICE_UNFIT if it is not there, or cannot do that."""
    torch = import_module("torch")
    gpus = torch.cuda.device_count() if torch.cuda.is_available() else 0
    device = placement.device or ("cuda" if gpus else CPU)
    kind, _, number = device.partition(":")
    if kind not in (CPU, "cuda") or (number and not number.isdecimal()):
        raise _unfit(f"{device!r} is no device", "name cpu, cuda or cuda:1")
    if kind == "cuda" and int(number or 0) >= gpus:
        raise _unfit(f"{device} is asked for, and PyTorch sees {gpus} GPUs here", "name cpu, or install a CUDA build")
    if kind == CPU and (placement.spread or placement.offload != "none"):
        raise _unfit("offload and spreading need a GPU", "leave them out")
    if placement.spread and placement.offload != "none":
        raise _unfit("a model is spread or offloaded, not both", "leave one out")
    if kind == "cuda":
        _exact(torch)
    return device


def device_name(placement: Placement) -> str:
    """Where pictures are computed, for people: `cpu` or the name of the GPU. DEVICE_UNFIT as `chosen_device`."""
    device = chosen_device(placement)
    return CPU if device == CPU else str(import_module("torch").cuda.get_device_name(device))


def computation(pipe: Any, placement: Placement) -> Computation | UnsetType:
    """What an attestation says of it: nothing where a processor computed everything in one piece."""
    sliced = placement.attention_slicing and any(hasattr(one, "set_attention_slice") for one in _networks(pipe))
    device = device_name(placement)
    if device == CPU and not sliced:
        return UNSET
    return Computation(device=device[:100], attention_slicing=sliced)


def _networks(pipe: Any) -> list[Any]:
    return [part for part in pipe.components.values() if hasattr(part, "parameters")]


def _exact(torch: Any) -> None:
    """Full products in float32, and the same sum in the same order each time."""
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = False
    torch.backends.cudnn.deterministic, torch.backends.cudnn.benchmark = True, False
    torch.use_deterministic_algorithms(True, warn_only=True)


def _unfit(fact: str, fix: str) -> GeneratorError:
    return GeneratorError(GeneratorCode.DEVICE_UNFIT, f"{fact}; {fix}")
