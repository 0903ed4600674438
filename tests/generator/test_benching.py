"""What a measurement says of itself, without a word about how long anything should take."""

from __future__ import annotations

import itertools
import json
from types import SimpleNamespace

import pytest
from click.testing import CliRunner

pytest.importorskip("torch")
pytest.importorskip("diffusers")

import check_gpu
import torch

from generator import benching
from generator.models import default_model_folder, model_digest
from node.cli.main import cli


def test_a_measurement_names_its_conditions_and_compares_with_diffusers_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    ticks = itertools.count()
    monkeypatch.setattr(benching, "time", SimpleNamespace(perf_counter=lambda: next(ticks)))
    wanted = ["--device", "cpu", "--steps", "2", "--rounds", "1", "--batch", "2", "--size", "64", "128"]
    done = CliRunner().invoke(cli, ["--json", "generator", "bench", *wanted])

    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)
    conditions = {"width": 64, "height": 128, "steps": 2, "batch": 2, "rounds": 1, "precision": "float32"}
    assert found["model"] == model_digest(default_model_folder())
    assert found["device"] == "cpu"
    assert {name: found[name] for name in conditions} == conditions
    assert (found["seconds"], found["plain_seconds"], found["ratio"]) == (0.5, 0.5, 1.0)
    assert found["peak_bytes"] > 100_000_000


def test_the_check_of_gpus_refuses_clearly_without_one(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)

    assert check_gpu.main() == 2
    told = capsys.readouterr()
    assert (told.out, told.err.partition(":")[0]) == ("", "no GPU")


def test_a_check_that_does_not_hold_is_counted_and_the_others_go_on(capsys: pytest.CaptureFixture[str]) -> None:
    report = check_gpu.Report()
    report.check("first", lambda: check_gpu.expect(False, "another picture") or "")
    report.check("second", lambda: "the same pixels")
    report.started -= check_gpu.SECONDS_MAX + 1
    report.check("third", lambda: pytest.fail("it is too late"))

    assert (report.wrong, report.left_out) == (1, ["third"])
    assert [line.split("  ")[-1] for line in capsys.readouterr().out.splitlines()] == [
        "first: AssertionError: another picture",
        "second: the same pixels",
    ]
