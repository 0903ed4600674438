"""Names a model by its files: one digest over everything in its folder, the same on every machine.

The chain records this digest, so whoever holds the folder can prove which weights made a picture. Links are refused:
what they point at may change without the folder changing.
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from pathlib import Path

from generator.errors import GeneratorCode, GeneratorError

ADAPTER_SUFFIX = ".safetensors"
_CHUNK_BYTES = 1 << 20
_HEADER_BYTES_MAX = 1 << 24


def model_digest(folder: Path) -> str:
    """Lower-case hex SHA-256 over the folder's listing.

    The listing has, for each file in the order of its path's UTF-8 bytes: path relative to the folder with `/` between
    names, NUL, hex SHA-256 of the content, LF. Empty folders leave no trace. MODEL_UNREADABLE if there is no file at
    all, or anything that is neither file nor folder.
    """
    listing = hashlib.sha256()
    files = {path.relative_to(folder).as_posix().encode(): path for path in _files(folder)}
    if not files:
        raise GeneratorError(
            GeneratorCode.MODEL_UNREADABLE, f"{folder} holds no files; name the folder with model_index.json"
        )
    for name in sorted(files):
        listing.update(name + b"\0" + _file_digest(files[name]).encode() + b"\n")
    return listing.hexdigest()


def verify_model(folder: Path, digest: str) -> None:
    """MODEL_MISMATCH unless the folder is the model that the digest names."""
    found = model_digest(folder)
    if found != digest:
        raise GeneratorError(
            GeneratorCode.MODEL_MISMATCH,
            f"{folder} should have digest {digest} but has {found}; restore the registered files, "
            "or register this folder as a model of its own",
        )


def check_kind(folder: Path, *, adapter: bool) -> None:
    """MODEL_UNREADABLE unless a folder has what makes it a model, or an adapter; its weights are not looked into."""
    if adapter and not _has_header(file := adapter_weights(folder)):
        raise GeneratorError(GeneratorCode.MODEL_UNREADABLE, f"{file} holds no weights; put the adapter there again")
    if not adapter and not (folder / "model_index.json").is_file():
        fact = f"{folder} has no model_index.json"
        raise GeneratorError(GeneratorCode.MODEL_UNREADABLE, f"{fact}; name a folder as diffusers saves a model")


def adapter_weights(folder: Path) -> Path:
    """The one file of an adapter's weights. MODEL_UNREADABLE if there is none, or another."""
    files = [path for path in _files(folder) if path.suffix == ADAPTER_SUFFIX]
    if len(files) != 1:
        fact = f"{folder} has {len(files)} files *{ADAPTER_SUFFIX}"
        raise GeneratorError(GeneratorCode.MODEL_UNREADABLE, f"{fact}; an adapter is a folder with one")
    return files[0]


def _has_header(file: Path) -> bool:
    """Whether a file begins as safetensors does: with the length of a JSON object, and that."""
    with file.open("rb") as opened:
        length = int.from_bytes(opened.read(8), "little")
        head = opened.read(length) if length <= _HEADER_BYTES_MAX else b""
    try:
        return len(head) == length and isinstance(json.loads(head), dict)
    except ValueError:
        return False


def default_model_folder() -> Path:
    """The model that ships with this package."""
    return Path(__file__).parent / "models" / "default"


def fetch_model(repository: str, revision: str, folder: Path) -> str:
    """Copy a model from the hub into a folder of plain files and return its digest.

    `revision` is a full commit id: branches and tags move, so they are refused (MODEL_UNPINNED).
    """
    if not re.fullmatch(r"[0-9a-f]{40}", revision):
        raise GeneratorError(
            GeneratorCode.MODEL_UNPINNED,
            f"{repository} at {revision!r}; name the commit by its 40 hex digits, branches move",
        )
    from huggingface_hub import snapshot_download

    snapshot_download(repository, revision=revision, local_dir=folder)
    shutil.rmtree(folder / ".cache", ignore_errors=True)
    return model_digest(folder)


def _files(folder: Path) -> list[Path]:
    found = []
    if folder.is_symlink() or not folder.is_dir():
        raise GeneratorError(
            GeneratorCode.MODEL_UNREADABLE, f"{folder} is not a folder; name the folder with model_index.json"
        )
    for path in folder.iterdir():
        if path.is_symlink() or not (path.is_dir() or path.is_file()):
            raise GeneratorError(
                GeneratorCode.MODEL_UNREADABLE,
                f"{path} is a link or device; put a copy of the file itself in the model folder",
            )
        found += _files(path) if path.is_dir() else [path]
    return found


def _file_digest(path: Path) -> str:
    state = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK_BYTES):
            state.update(chunk)
    return state.hexdigest()
