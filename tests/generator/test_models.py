"""A model's name: one digest over its files."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from click.testing import CliRunner

from generator.errors import GeneratorCode, GeneratorError
from generator.models import check_kind, fetch_model, model_digest, verify_model
from node.cli.exits import Exit
from node.cli.main import cli


def a_model(folder: Path, files: dict[str, bytes]) -> Path:
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return folder


FILES = {"unet/weights": b"1", "unet.json": b"2", "model_index.json": b"{}"}


def test_the_digest_is_what_its_definition_says(tmp_path: Path) -> None:
    listing = b"".join(
        name.encode() + b"\0" + hashlib.sha256(FILES[name]).hexdigest().encode() + b"\n"
        for name in ("model_index.json", "unet.json", "unet/weights")
    )

    assert model_digest(a_model(tmp_path, FILES)) == hashlib.sha256(listing).hexdigest()


def test_the_order_of_creation_and_empty_folders_do_not_count(tmp_path: Path) -> None:
    one = a_model(tmp_path / "one", FILES)
    other = a_model(tmp_path / "other", dict(reversed(FILES.items())))
    (other / "empty").mkdir()

    assert model_digest(one) == model_digest(other)


@pytest.mark.parametrize(
    "files",
    [
        {**FILES, "unet.json": b"3"},
        {**FILES, "more": b""},
        {"unet/weights": b"1", "model_index.json": b"{}"},
        {"unet/weights2": b"1", "unet.json": b"2", "model_index.json": b"{}"},
    ],
)
def test_any_change_of_content_or_names_is_a_mismatch_that_names_both_digests(
    tmp_path: Path, files: dict[str, bytes]
) -> None:
    expected = model_digest(a_model(tmp_path / "one", FILES))
    changed = a_model(tmp_path / "other", files)

    with pytest.raises(GeneratorError, match="MODEL_MISMATCH") as refused:
        verify_model(changed, expected)
    assert expected in str(refused.value)
    assert model_digest(changed) in str(refused.value)


def test_an_unchanged_folder_is_accepted(tmp_path: Path) -> None:
    verify_model(a_model(tmp_path, FILES), model_digest(tmp_path))


def test_links_are_refused_wherever_they_stand(tmp_path: Path) -> None:
    target = a_model(tmp_path / "target", FILES)
    linked_file = a_model(tmp_path / "one", FILES)
    (linked_file / "unet" / "more").symlink_to(target / "unet.json")
    linked_folder = a_model(tmp_path / "two", FILES)
    (linked_folder / "vae").symlink_to(target / "unet", target_is_directory=True)
    (tmp_path / "three").symlink_to(target, target_is_directory=True)

    for folder in (linked_file, linked_folder, tmp_path / "three"):
        with pytest.raises(GeneratorError, match="MODEL_UNREADABLE"):
            model_digest(folder)


def test_a_folder_that_is_missing_or_empty_is_no_model(tmp_path: Path) -> None:
    for folder in (tmp_path, tmp_path / "missing"):
        with pytest.raises(GeneratorError, match="MODEL_UNREADABLE"):
            model_digest(folder)


@pytest.mark.parametrize("revision", ["main", "v1.0", "abc123", ""])
def test_a_hub_model_without_a_full_commit_id_is_refused_before_any_download(tmp_path: Path, revision: str) -> None:
    with pytest.raises(GeneratorError, match="MODEL_UNPINNED"):
        fetch_model("someone/something", revision, tmp_path)


def test_the_command_that_fetches_a_model_refuses_a_branch(tmp_path: Path) -> None:
    done = CliRunner().invoke(cli, ["model", "fetch", "someone/something", "main", str(tmp_path / "model")])

    assert done.exit_code == Exit.REFUSED
    assert "MODEL_UNPINNED" in done.output


@pytest.mark.parametrize(
    ("files", "adapter", "said"),
    [
        ({"readme.txt": b"a model"}, False, "has no model_index.json"),
        ({"pytorch_lora_weights.bin": b"\x80\x04"}, True, "has 0 files"),
        ({"a.safetensors": b"", "b.safetensors": b""}, True, "has 2 files"),
        ({"a.safetensors": b"weights, please, and four hundred bytes of them"}, True, "a.safetensors holds no weights"),
        ({"a.safetensors": (2).to_bytes(8, "little") + b"{}"}, True, ""),
    ],
)
def test_what_is_no_model_or_adapter_is_neither_registered_nor_served(
    tmp_path: Path, files: dict[str, bytes], adapter: bool, said: str
) -> None:
    for name, data in files.items():
        (tmp_path / name).write_bytes(data)
    if not said:
        check_kind(tmp_path, adapter=adapter)
        return
    with pytest.raises(GeneratorError, match=said) as refused:
        check_kind(tmp_path, adapter=adapter)
    assert refused.value.code is GeneratorCode.MODEL_UNREADABLE
