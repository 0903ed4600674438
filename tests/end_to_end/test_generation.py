"""A real worker, a real model: from a signed request to a recorded picture, and what is refused on the way."""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import AsyncGenerator, Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import pytest
from answers import check_is
from click.testing import CliRunner
from msgspec import UNSET
from PIL import Image
from tiny_adapters import write_adapter

from devnet.cluster import Cluster
from devnet.story import COLLECTOR, CREATOR, EDITOR, STUDIO
from generator.models import default_model_folder, model_digest
from generator.pipeline import Pipeline
from ledger import crypto
from ledger.actions import RegisterModel
from ledger.encoding import encode
from ledger.generation import SETTING_FIELDS, ModelAdapter, Opening, Openings, commit
from node.cli.main import cli
from pictures.credentials.reading import read_credentials
from remarque.api.content import Release
from remarque.api.generation import GeneratedPicture, Generation, GenerationTaken, Generators, OpenedSettings
from remarque.cid import cid_of_digest
from remarque.client import Client
from remarque.errors import RemarqueError
from remarque.requesting import now_ms

MODEL = model_digest(default_model_folder())
INK = "ink"
"""Folder of an adapter beside the node's settings."""


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """Two nodes; the studio's has a generator and its model is registered."""
    cluster = Cluster.create(tmp_path_factory.mktemp("studio") / "devnet", 2, generator=True)
    write_adapter(Pipeline(default_model_folder())._pipe, cluster.home("node1") / INK)
    cluster.set("node1", "generator", adapters=[INK])
    try:
        cluster.up()
        with Client(cluster.url("node1"), STUDIO, cluster.key(STUDIO)) as house:
            house.submit(RegisterModel(model=MODEL, name="default", version="1", licence="Apache-2.0"))
        yield cluster
    finally:
        cluster.down()


@pytest.fixture(scope="module")
def alice(studio: Cluster) -> Iterator[Client]:
    with Client(studio.url("node1"), CREATOR, studio.key(CREATOR)) as client:
        deadline = time.monotonic() + 90
        while not client.generators():
            assert time.monotonic() < deadline
            time.sleep(0.2)
        yield client


def until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def is_here(member: Client, picture: GeneratedPicture, original: bytes) -> bool:
    """Whether a member's node has a picture and its seed."""
    try:
        return member.openings(picture.asset).value("seed") == 5 and member.content(picture.cid) == original
    except RemarqueError:
        return False


def command(studio: Cluster, *words: str, status: int = 0) -> subprocess.CompletedProcess[str]:
    """The command as alice gives it at node1."""
    key = studio.root / "accounts" / f"{CREATOR}.key"
    target = ["--node", studio.url("node1"), "--account", CREATOR, "--key", str(key)]
    line = [sys.executable, "-m", "node", *target, *words]
    done = subprocess.run(line, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == status, done.stderr
    return done


def test_a_devnet_with_a_generator_has_its_model_registered(tmp_path: Path) -> None:
    root = ["--dir", str(tmp_path / "devnet")]
    try:
        for _ in range(2):
            done = CliRunner().invoke(cli, ["devnet", "up", *root, "--nodes", "1", "--generator"])
            assert done.exit_code == 0, done.output
        cluster = Cluster(tmp_path / "devnet")
        with Client(cluster.urls, CREATOR, cluster.key(CREATOR)) as alice:
            assert [one.model for one in alice.models()] == [MODEL]
    finally:
        CliRunner().invoke(cli, ["devnet", "down", *root])


def test_pictures_are_recorded_before_they_are_released_and_replicated(studio: Cluster, alice: Client) -> None:
    generation = alice.generate("a boat on the sea at noon", seed=5, steps=4, count=2)
    seen = list(alice.progress(generation))
    pictures = alice.generation(generation)

    assert [picture.index for picture in pictures] == [0, 1]
    assert any(isinstance(now.step, int) for now in seen)
    for picture in pictures:
        asset = alice.asset(picture.asset).asset
        assert (asset.evidence, asset.creator, asset.model) == ("generated", CREATOR, MODEL)
        original = alice.content(picture.cid)
        with Client(studio.url("node2"), EDITOR, studio.key(EDITOR)) as nadia:
            until(partial(is_here, nadia, picture, original))
            assert nadia.verify(original).verdict == "exact_file"


def test_precision_and_batch_are_committed_to_where_they_are_not_as_usual(alice: Client) -> None:
    [usual] = alice.generation(alice.generate("a mill by a stream", seed=600, steps=4))
    pair = alice.generation(alice.generate("a mill", seed=601, steps=4, count=2, precision="bfloat16", batch=2))

    committed = alice.openings(usual.asset).openings
    assert (committed.precision, committed.batch) == (UNSET, UNSET)
    for picture in pair:
        opened = alice.openings(picture.asset).openings
        assert isinstance(opened.precision, Opening)
        assert isinstance(opened.batch, Opening)
        assert (opened.precision.value, opened.batch.value) == ("bfloat16", 2)
        assert alice.asset(picture.asset).asset.commitments == opened.commitments()


def test_a_setting_that_has_no_part_fails_the_generation_by_name(alice: Client) -> None:
    weak = alice.generate("a mill by a stream", guidance_centi=80, steps=4)

    with pytest.raises(RemarqueError, match=r"GENERATION_FAILED: SETTINGS_INVALID: guidance: up to 1\.0"):
        alice.generation(weak)


def test_a_refused_repeat_changes_nothing_of_the_picture_that_it_repeats(studio: Cluster, alice: Client) -> None:
    [picture] = alice.generation(alice.generate("a snowy house at dusk", seed=77, steps=4))
    before = alice.openings(picture.asset)

    with Client(studio.url("node1"), COLLECTOR, studio.key(COLLECTOR)) as carla:
        repeat = carla.generate("a snowy house at dusk", seed=77, steps=4)
        with pytest.raises(RemarqueError, match="ASSET_EXISTS"):
            carla.generation(repeat)

    assert alice.openings(picture.asset) == before
    assert before.openings.commitments() == alice.asset(picture.asset).asset.commitments


def test_one_picture_that_exists_does_not_fail_the_others_of_its_batch(alice: Client) -> None:
    [first] = alice.generation(alice.generate("a quiet lake in autumn", seed=501, steps=4))

    last = list(alice.progress(alice.generate("a quiet lake in autumn", seed=500, steps=4, count=3)))[-1]

    assert last.state == "done"
    assert [picture.index for picture in last.pictures] == [0, 2]
    assert [(refused.index, refused.code) for refused in last.refused] == [(1, "ASSET_EXISTS")]
    assert first.asset not in {picture.asset for picture in last.pictures}


def test_a_picture_is_regenerated_but_for_its_watermark(studio: Cluster, alice: Client) -> None:
    picture = alice.generation(alice.generate("a red apple on a table", seed=11, steps=4))[0]

    done = command(studio, "--json", "regenerate", picture.asset)
    needless = command(studio, "regenerate", picture.asset, "--mask", __file__, status=2)
    assert "it was made without a mask; leave --mask out" in needless.stderr

    assert json.loads(done.stdout)["verdict"] == "equivalent"
    assert isinstance(alice.asset(picture.asset).asset.mark, str)


def test_a_picture_is_made_of_another_as_its_derivative_and_made_again(
    studio: Cluster, alice: Client, tmp_path: Path
) -> None:
    [sea] = alice.generation(alice.generate("the sea at noon", seed=900, steps=4))
    mask = tmp_path / "mask.png"
    half = Image.new("L", (128, 128), 0)
    half.paste(255, (64, 0, 128, 128))
    half.save(mask)
    redrawn = ["a red boat", "--from", sea.asset, "--strength", "1", "--mask", str(mask), "--steps", "4"]
    shown = command(studio, "--json", "generate", *redrawn, "--out", str(tmp_path))
    [made] = json.loads(shown.stdout)["pictures"]
    whole = alice.generation(alice.generate("a red boat", source=sea.asset, strength_centi=50, steps=4))[0]

    for name in (made["asset"], whole.asset):
        record = alice.asset(name).asset
        assert (record.evidence, record.parents, record.depth) == ("generated", (sea.asset,), 1)
        manifest = read_credentials(alice.released(name), "").active
        assert manifest is not None
        assert [one.manifest for one in manifest.ingredients] == [alice.asset(sea.asset).asset.manifest]
        assert alice.verify(alice.released(name)).origin.contradictions == ()
    with pytest.raises(RemarqueError, match="CONTENT_MISSING"):  # nobody but the generator is given the mask
        alice.content(cid_of_digest(hashlib.sha256(mask.read_bytes()).digest()))
    again = command(studio, "--json", "regenerate", made["asset"], "--mask", str(mask))
    assert json.loads(again.stdout)["verdict"] == "equivalent"
    assert "name that with --mask" in command(studio, "regenerate", made["asset"], status=5).stderr

    secret = alice.generation(alice.generate("a vase", seed=901, steps=4, confidential=True))[0]
    assert asked(alice, source=secret.asset) == "GENERATION_INVALID"
    with (
        Client(studio.url("node1"), COLLECTOR, studio.key(COLLECTOR)) as carla,
        pytest.raises(RemarqueError, match=r"POLICY_DENIED: .*the owner of asset .* has to permit `derive`"),
    ):
        carla.generate("a red boat", source=sea.asset, steps=4)


def test_a_picture_is_made_with_an_adapter_and_says_so_and_is_made_again(
    studio: Cluster, alice: Client, tmp_path: Path
) -> None:
    folder = studio.home("node1") / INK
    ink, other = model_digest(folder), "ab" * 32
    assert alice.adapters() == (ink,)
    assert asked(alice, adapters={ink: 80}) == "MODEL_UNKNOWN"
    with Client(studio.url("node1"), STUDIO, studio.key(STUDIO)) as house:
        for digest, name in ((ink, "Ink"), (other, "Gold")):
            licence = "CC-BY-4.0"
            house.submit(RegisterModel(model=digest, name=name, version="2", licence=licence, adapter=True))
    assert asked(alice, adapters={ink: 80, other: 50}) == "MODEL_NOT_LOADED"

    [plain] = alice.generation(alice.generate("a mill", seed=950, steps=4))
    words = ["a mill", "--seed", "950", "--steps", "4", "--adapter", f"{ink}=0.8", "--out", str(tmp_path)]
    [made] = json.loads(command(studio, "--json", "generate", *words).stdout)["pictures"]
    [after] = alice.generation(alice.generate("a mill", seed=950, steps=4, width=136))

    asset = made["asset"]
    assert asset != plain.asset
    assert after.asset not in (asset, plain.asset)
    assert alice.asset(asset).asset.adapters_used == (ModelAdapter(model=ink, weight_centi=80),)
    match = next(one for one in alice.verify(alice.released(asset)).matches if one.asset == asset)
    assert [(one.name, one.version) for one in match.adapters] == [("Ink", "2")]
    manifest = read_credentials(alice.released(asset), "").active
    assert manifest is not None
    assert [(one.title, one.relationship) for one in manifest.ingredients] == [("Ink 2", "inputTo")]
    assert alice.verify(alice.released(asset)).origin.contradictions == ()
    again = command(studio, "--json", "regenerate", asset, "--adapter", str(folder))
    assert json.loads(again.stdout)["verdict"] == "equivalent"
    assert f"made with adapter {ink}" in command(studio, "regenerate", asset, status=5).stderr
    needless = command(studio, "regenerate", plain.asset, "--adapter", str(folder), status=2)
    assert "it was made without one of these adapters" in needless.stderr


def test_a_confidential_picture_is_in_clear_on_no_disk_and_opens_for_its_creator(
    studio: Cluster, alice: Client
) -> None:
    secret = f"a house at night {secrets.token_hex(12)}"
    picture = alice.generation(alice.generate(secret, seed=3, steps=4, confidential=True))[0]

    plain = alice.open(picture.asset)

    assert plain.startswith(b"\x89PNG")
    assert alice.openings(picture.asset).value("prompt") == secret
    assert alice.asset(picture.asset).asset.image_code is UNSET
    probe = plain[len(plain) // 2 :][:64]
    for name in studio.names:
        for path in (studio.home(name) / "data").rglob("*"):
            if path.is_file():
                kept = path.read_bytes()
                assert probe not in kept
                assert secret.rpartition(" ")[2].encode() not in kept, f"{path} holds the prompt"
    with (
        Client(studio.url("node2"), COLLECTOR, studio.key(COLLECTOR)) as carla,
        pytest.raises(RemarqueError, match="POLICY_DENIED") as denied,
    ):
        carla.open(picture.asset)
    assert "grant_in_force" in denied.value.detail
    with Client(studio.url("node2"), EDITOR, studio.key(EDITOR)) as nadia:
        assert nadia.openings(picture.asset).openings == Openings()


def test_a_prompt_is_withheld_told_to_one_account_to_all_and_erased(
    studio: Cluster, alice: Client, tmp_path: Path
) -> None:
    prompt = f"a red boat {secrets.token_hex(12)}"
    done = command(studio, "generate", prompt, "--steps", "4", "--private", "prompt", "--out", str(tmp_path))
    assert "  nobody else: prompt, seed\n" in done.stderr
    [asset] = [one.id for one in alice.assets() if one.id.startswith(next(tmp_path.glob("*.png")).stem)]
    kept = tmp_path / "openings.json"
    assert f"prompt: {prompt}" in command(studio, "openings", "show", asset, "--out", str(kept)).stdout

    def read(node: str, account: str) -> str | int | None:
        with Client(studio.url(node), account, studio.key(account)) as client:
            return client.openings(asset).value("prompt")

    with Client(studio.url("node2"), EDITOR, studio.key(EDITOR)) as nadia:
        until(lambda: set(nadia.openings(asset).openings.given()) == set(SETTING_FIELDS) - {"prompt", "seed"})
        with pytest.raises(RemarqueError, match="CREATOR_MISSING"):
            nadia.disclose(asset, "prompt")
    assert read("node1", COLLECTOR) is None

    command(studio, "openings", "disclose", asset, "prompt", "--to", EDITOR)
    until(lambda: read("node2", EDITOR) == prompt)
    assert read("node1", COLLECTOR) is None

    command(studio, "openings", "disclose", asset, "prompt", "--everybody")
    assert read("node1", COLLECTOR) == prompt

    record = alice.asset(asset)
    told = command(studio, "openings", "erase", asset, "prompt").stdout
    assert "erased: nobody: prompt" in told
    until(lambda: read("node1", CREATOR) is None and read("node2", EDITOR) is None)
    assert alice.asset(asset) == record
    assert f"prompt: {prompt}" in command(studio, "openings", "check", asset, str(kept)).stdout
    kept.write_bytes(kept.read_bytes().replace(b"a red boat", b"a red ship"))
    assert "OPENINGS_FALSE" in command(studio, "openings", "check", asset, str(kept), status=5).stderr


def test_a_grant_opens_through_another_members_node(studio: Cluster, alice: Client) -> None:
    picture = alice.generation(alice.generate("a vase with flowers", seed=4, steps=4, confidential=True))[0]
    alice.grant(picture.asset, EDITOR, now_ms() + 60_000)

    with Client(studio.url("node2"), EDITOR, studio.key(EDITOR)) as nadia:
        deadline = time.monotonic() + 20
        while True:
            try:
                assert nadia.open(picture.asset) == alice.open(picture.asset)
                break
            except RemarqueError as error:
                assert error.code == "CONTENT_MISSING"
                assert time.monotonic() < deadline
                time.sleep(0.2)


def asked(alice: Client, **settings: Any) -> str:
    with pytest.raises(RemarqueError) as refused:
        alice.generate(**({"prompt": "a tree"} | settings))
    return refused.value.code


@pytest.mark.parametrize(
    ("settings", "code"),
    [
        ({"prompt": ""}, "GENERATION_INVALID"),
        ({"prompt": " \n"}, "GENERATION_INVALID"),
        ({"prompt": "x" * 2_001}, "GENERATION_INVALID"),
        ({"steps": 0}, "GENERATION_INVALID"),
        ({"steps": 101}, "GENERATION_INVALID"),
        ({"width": 100}, "GENERATION_INVALID"),
        ({"height": 4_096}, "GENERATION_INVALID"),
        ({"seed": -1}, "GENERATION_INVALID"),
        ({"seed": 2**32 - 1_000}, "GENERATION_INVALID"),
        ({"count": 17}, "GENERATION_INVALID"),
        ({"precision": "int4"}, "GENERATION_INVALID"),
        ({"batch": 17}, "GENERATION_INVALID"),
        ({"model": "cd" * 32}, "MODEL_UNKNOWN"),
    ],
)
def test_a_bad_generation_is_refused_by_name(alice: Client, settings: dict[str, Any], code: str) -> None:
    assert asked(alice, **settings) == code


@pytest.mark.parametrize("broken", ["signature", "opening", "usual", "mask", "creator", "chain", "generator"])
def test_a_request_that_does_not_hold_is_refused(
    studio: Cluster, alice: Client, broken: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    bodies: list[bytes] = []
    inner = alice._waiting.request

    async def keep(method: str, path: str, body: bytes | None = None, **named: Any) -> bytes:
        if path != "/v1/generations":
            return await inner(method, path, body, **named)
        bodies.append(body or b"")
        raise RemarqueError("KEPT", "")

    monkeypatch.setattr(alice._waiting, "request", keep)
    with pytest.raises(RemarqueError, match="KEPT"):
        alice.generate("a tree", seed=1)
    monkeypatch.undo()
    body = json.loads(bodies[0])
    if broken == "signature":
        body["signature"] = "00" * 64
    elif broken == "opening":
        body["openings"]["prompt"]["value"] = "another prompt"
    elif broken == "usual":
        body["openings"]["batch"] = {"salt": "ab" * 16, "value": 1}
        body["request"]["commitments"]["batch"] = commit("batch", Opening(salt="ab" * 16, value=1))
        body["signature"] = studio.key(CREATOR).sign(crypto.GENERATION_REQUEST, encode(body["request"]))
    elif broken == "mask":
        body["mask"] = "AAAA"
    else:
        body["request"][broken] = {"creator": COLLECTOR, "chain": "other-00000000", "generator": "agency"}[broken]
        body["signature"] = studio.key(CREATOR).sign(crypto.GENERATION_REQUEST, encode(body["request"]))

    with pytest.raises(RemarqueError, match="GENERATION_INVALID"):
        alice.request("POST", "/v1/generations", encode(body))


def test_the_routes_about_generated_pictures_answer_the_bytes_of_their_values(
    alice: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers: dict[str, bytes] = {}
    inner = alice._waiting.request

    async def keep(method: str, path: str, *rest: Any, **named: Any) -> bytes:
        answer = await inner(method, path, *rest, **named)
        answers[path.rpartition("/")[0] if "/releases/" in path else path] = answer
        return answer

    monkeypatch.setattr(alice._waiting, "request", keep)
    generation = alice.generate("a bridge over a river", seed=12, steps=4, confidential=True)
    picture = alice.generation(generation)[0]
    alice.open(picture.asset)
    shown = alice.request("GET", f"/v1/generations/{generation}")
    opened = alice.request("GET", f"/v1/assets/{picture.asset}/openings")

    check_is(Generators, answers["/v1/generators"])
    check_is(GenerationTaken, answers["/v1/generations"])
    check_is(Release, answers["/v1/releases"])
    check_is(Generation, shown)
    check_is(OpenedSettings, opened)
    assert msgspec.json.decode(shown, type=Generation).pictures == (picture,)


def test_a_failed_generation_says_why_and_progress_ends_with_it(alice: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    failed = {
        "generation": "ab",
        "state": "failed",
        "pictures": [],
        "count": 1,
        "code": "OUT_OF_MEMORY",
        "detail": "4 GiB",
    }

    async def stream(_: str, kind: type[Generation], __: str = "") -> AsyncGenerator[tuple[str, Generation], None]:
        yield "", msgspec.convert(failed | {"state": "running"}, kind)
        yield "", msgspec.convert(failed, kind)

    monkeypatch.setattr(alice._waiting, "_stream", stream)
    progress = alice.progress("ab")

    assert [next(progress).state, next(progress).state] == ["running", "failed"]
    with pytest.raises(RemarqueError, match="OUT_OF_MEMORY: 4 GiB"):
        next(progress)


def wait_for(alice: Client, generation: str, wanted: Callable[[Generation], bool]) -> None:
    """Return as soon as a generation is that far."""
    for now in alice.progress(generation):
        if wanted(now):
            return
    raise AssertionError("it ended before")


def test_a_withdrawn_generation_ends_within_a_step_and_keeps_what_is_recorded(studio: Cluster, alice: Client) -> None:
    running = alice.generate("a harbour at noon", seed=900, steps=25, count=16)
    waiting = alice.generate("a harbour at night", seed=901, steps=4)
    wait_for(alice, running, lambda now: bool(now.pictures) and now.step is not UNSET)

    assert alice.withdraw_generation(waiting).code == "GENERATION_CANCELLED"
    told = alice.withdraw_generation(running)
    with pytest.raises(RemarqueError, match="GENERATION_CANCELLED: its creator withdrew it"):
        alice.generation(running)

    ended = alice.withdraw_generation(running)
    assert told.state == "running"
    assert isinstance(told.index, int)
    assert ended.state == "failed"
    assert [one.index for one in ended.pictures] == list(range(len(ended.pictures)))
    assert 0 < len(ended.pictures) <= told.index + 1 < 16
    assert alice.asset(ended.pictures[0].asset).asset.evidence == "generated"
    assert len(alice.generation(alice.generate("a harbour at dawn", seed=902, steps=4))) == 1


def test_a_generation_is_withdrawn_by_its_creator_alone_and_one_that_has_ended_stays(
    studio: Cluster, alice: Client
) -> None:
    done = alice.generate("a tower on a hill", seed=910, steps=4)
    alice.generation(done)

    with (
        Client(studio.url("node1"), COLLECTOR, studio.key(COLLECTOR)) as carla,
        pytest.raises(RemarqueError, match="NOT_FOUND"),
    ):
        carla.withdraw_generation(done)
    assert alice.withdraw_generation(done).state == "done"
    told = CliRunner().invoke(
        cli,
        [
            "--node", studio.url("node1"), "--account", CREATOR,
            "--key", str(studio.root / "accounts" / f"{CREATOR}.key"), "withdraw-generation", done,
        ],
    )  # fmt: skip
    assert told.stdout == "done, 1 of 1 recorded\n"


def test_a_withdrawal_outlives_the_node(studio: Cluster, alice: Client) -> None:
    generation = alice.generate("a bridge in the fog", seed=920, steps=100, count=16)
    wait_for(alice, generation, lambda now: now.step is not UNSET)
    os.kill(_worker_pid(studio), signal.SIGSTOP)

    alice.withdraw_generation(generation)
    os.kill(_worker_pid(studio), signal.SIGKILL)
    studio.kill("node1")
    studio.start("node1")
    studio.wait_ready(["node1"])

    with pytest.raises(RemarqueError, match="GENERATION_CANCELLED"):
        wait_for(alice, generation, lambda now: now.step is not UNSET)


def test_an_interrupted_command_withdraws_what_it_asked_for(studio: Cluster, alice: Client, tmp_path: Path) -> None:
    command = subprocess.Popen(
        [
            sys.executable, "-m", "node", "--node", studio.url("node1"), "--account", CREATOR,
            "--key", str(studio.root / "accounts" / f"{CREATOR}.key"), "generate", "a long walk home",
            "--steps", "100", "--count", "16", "--out", str(tmp_path),
        ],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert command.stdout is not None
    told = ""
    while "step" not in told:
        more = command.stdout.read(8)
        assert more, "it ended before it said how far it is"
        told += more
    command.send_signal(signal.SIGINT)
    _, errors = command.communicate(timeout=30)

    withdrawn = errors.partition("withdrew generation ")[2].partition(";")[0]
    assert "interrupted" in errors
    with pytest.raises(RemarqueError, match="GENERATION_CANCELLED"):
        wait_for(alice, withdrawn, lambda now: isinstance(now.index, int) and now.index > 1)


def test_a_killed_worker_is_replaced_and_its_job_goes_on(studio: Cluster, alice: Client) -> None:
    generation = alice.generate("mountains at dawn", seed=9, steps=60, count=2)
    deadline = time.monotonic() + 60
    while "step" not in alice.get(f"/v1/generations/{generation}"):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    os.kill(_worker_pid(studio), signal.SIGKILL)

    pictures = alice.generation(generation)

    assert len(pictures) == 2


def test_a_killed_node_goes_on_with_its_queue(studio: Cluster, alice: Client) -> None:
    generation = alice.generate("a desert at sunset", seed=10, steps=40)
    studio.kill("node1")
    studio.start("node1")
    studio.wait_ready(["node1"])

    assert len(alice.generation(generation)) == 1


def _worker_pid(cluster: Cluster) -> int:
    """Pid of the worker: the child of the studio's node."""
    parent = str(cluster.pid("node1"))
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if fields[1] == parent and b"generator.worker" in (path.parent / "cmdline").read_bytes():
            return int(path.parent.name)
    raise AssertionError("the node has a worker")
