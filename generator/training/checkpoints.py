"""Keeps a training run on disk, so that it can be stopped and go on."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import torch


def save_checkpoint(path: Path, step: int, parts: dict[str, Any]) -> None:
    """Write the state of every part, replacing the older file only when the new one is complete."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".partial")
    torch.save({"step": step, **{name: part.state_dict() for name, part in parts.items()}}, partial)
    os.replace(partial, path)


def load_checkpoint(path: Path, parts: dict[str, Any]) -> int:
    """Restore every part and return how many steps were done; 0 where there is no checkpoint."""
    if not path.exists():
        return 0
    saved = torch.load(path, weights_only=True)
    for name, part in parts.items():
        part.load_state_dict(saved[name])
    return int(saved["step"])
