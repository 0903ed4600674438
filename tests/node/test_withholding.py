"""Who may read a generation's settings: what the SDK sends, what the command says of it first, and what it refuses."""

from __future__ import annotations

import asyncio
import json
from types import SimpleNamespace
from typing import Any, cast

import pytest
from click.testing import CliRunner, Result
from consortium import key_of
from msgspec import UNSET
from written_chain import GENESIS

from ledger import actions
from ledger.generation import SETTING_FIELDS, WithheldSetting
from node.cli.exits import Exit
from node.cli.main import cli
from node.cli.openings import withheld_by
from node.cli.target import Target
from remarque.api.generation import AskGeneration, Generators
from remarque.async_client import AsyncClient
from remarque.errors import RemarqueError
from remarque.withholding import withheld_settings

BOB, NADIA, CARLA = "bob@agency", "nadia@agency", "carla@club"
CROWD = [f"reader{number}@club" for number in range(17)]


class Asking(AsyncClient):
    """A client whose node takes whatever is asked of it, and keeps it, or refuses."""

    def __init__(self, refusal: RemarqueError | None = None) -> None:
        super().__init__("127.0.0.1:9", BOB, key_of(BOB))
        self._genesis, self._refusal = GENESIS, refusal
        self.asked: list[Any] = []

    async def _ask(self, path: str, body: Any, kind: Any) -> Any:
        if self._refusal:
            raise self._refusal
        self.asked.append(body)
        return SimpleNamespace(generation="g")

    async def _read(self, path: str, kind: Any, **_: Any) -> Any:
        return Generators(org="studio", models=("ab" * 32,))

    async def submit(self, *asked: Any, **_: Any) -> Any:
        self.asked += asked

    async def asset(self, asset: str) -> Any:
        return SimpleNamespace(asset=SimpleNamespace(request="ab" * 32), terms="calm@1")


def sent(withheld: dict[str, tuple[str, ...]] | None, *, confidential: bool = False) -> Any:
    client = Asking()
    asyncio.run(client.generate("a boat", model="ab" * 32, withheld=withheld, confidential=confidential))
    return cast(AskGeneration, client.asked[0]).request.withheld


def test_the_seed_goes_with_a_prompt_that_is_withheld() -> None:
    def setting(field: str, *readers: str) -> WithheldSetting:
        return WithheldSetting(field=field, readers=readers)

    assert sent({"prompt": ()}) == (setting("prompt"), setting("seed"))
    assert sent({"prompt": (NADIA,)}) == (setting("prompt", NADIA), setting("seed", NADIA))
    assert sent({"negative_prompt": ()}) == (setting("negative_prompt"), setting("seed"))
    both = {"prompt": (NADIA, CARLA), "negative_prompt": (CARLA,)}
    assert sent(both)[-1] == setting("seed", CARLA)
    assert sent({"seed": (CARLA,), "prompt": ()}) == (setting("seed", CARLA), setting("prompt"))
    assert sent({"steps": ()}) == (setting("steps"),)
    assert sent({"prompt": (NADIA,)}, confidential=True) == (setting("prompt", NADIA),), "all else is withheld as it is"
    assert sent(None) is UNSET


@pytest.mark.parametrize(
    ("readers", "said"),
    [
        (("",), "REQUEST_MALFORMED: '' is no account; write one as nadia@agency"),
        ((f" {NADIA}",), "REQUEST_MALFORMED: ' nadia@agency' is no account"),
        (tuple(CROWD), "READERS_FULL: 17 accounts are named, .* 16 by name at most"),
    ],
)
def test_readers_that_cannot_be_are_refused_in_a_sentence(readers: tuple[str, ...], said: str) -> None:
    with pytest.raises(RemarqueError, match=said):
        withheld_settings({"prompt": readers}, confidential=False)
    with pytest.raises(RemarqueError, match=said):
        asyncio.run(Asking().disclose("a", "prompt", to=readers))


def test_nobody_is_not_everybody() -> None:
    client = Asking()
    asyncio.run(client.disclose("a", "prompt"))
    asyncio.run(client.disclose("a", "prompt", to=[NADIA]))

    with pytest.raises(RemarqueError, match="nobody is named; name accounts, or leave `to` out for everybody"):
        asyncio.run(client.disclose("a", "prompt", to=[]))

    asked = [actions.DiscloseSettings(request="ab" * 32, fields=("prompt",), readers=to) for to in (UNSET, (NADIA,))]
    assert client.asked == asked


def test_a_source_that_was_only_tried_names_no_transaction() -> None:
    denied = (
        "derive is denied (DEFAULT_DENIED), no rule permits it; the transaction's explanation says what each rule saw"
    )

    def refused(code: str) -> RemarqueError:
        client = Asking(RemarqueError(code, denied, 403))
        with pytest.raises(RemarqueError) as told:
            asyncio.run(client.generate("a boat", model="ab" * 32, source="cd" * 32))
        return told.value

    one = refused("POLICY_DENIED")
    assert (one.code, one.status) == ("POLICY_DENIED", 403)
    assert one.detail == (
        "derive is denied (DEFAULT_DENIED), no rule permits it; the owner of asset cdcdcdcdcdcdcdcd… has to permit "
        "`derive`; nothing was made, and nothing paid"
    )
    assert refused("INSUFFICIENT_FUNDS").detail == denied


class Taking:
    """The command's client: it keeps what it is called with."""

    def __init__(self, calls: list[dict[str, Any]]) -> None:
        self._calls = calls

    def __enter__(self) -> Taking:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def generate(self, _: str, **named: Any) -> str:
        self._calls.append(named)
        return "g"

    def disclose(self, *_: str, **named: Any) -> Any:
        self._calls.append(named)
        raise RemarqueError("SETTING_ERASED", "it was asked")

    def progress(self, _: str) -> list[Any]:
        return []


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> list[dict[str, Any]]:
    made: list[dict[str, Any]] = []
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(Target, "client", lambda _: Taking(made))
    return made


def run(*words: str) -> Result:
    return CliRunner().invoke(cli, words)


@pytest.mark.parametrize("confidential", [False, True])
@pytest.mark.parametrize(
    "private",
    [
        {},
        {"prompt": ""},
        {"prompt": f"={NADIA}"},
        {"seed": f"={CARLA}", "prompt": ""},
        {"steps": f"={CARLA},{NADIA}"},
        {"prompt": "", "all": f"={NADIA}"},
        {"all": ""},
    ],
)
def test_what_is_said_before_it_is_sent_is_what_is_sent(
    calls: list[dict[str, Any]], private: dict[str, str], confidential: bool
) -> None:
    words = [f"--private={field}{readers}" for field, readers in private.items()]
    done = run("--json", "generate", "a boat", *words, *(["--confidential"] if confidential else []))

    assert json.loads(done.stdout)["generation"] == "g"
    withheld = {
        one.field: one.readers for one in withheld_settings(calls[0]["withheld"] or {}, confidential=confidential)
    }
    everybody = ("nobody else",) if confidential else ("everybody who may read this chain",)
    said: dict[str, str] = {}
    for line in done.stderr.splitlines():
        whom, _, fields = line.partition(": ")
        if line.startswith("  "):
            said |= dict.fromkeys(fields.split(", "), whom.strip())
    told = {field: ", ".join(withheld.get(field, everybody) or ("nobody else",)) for field in SETTING_FIELDS}
    assert said == {field: whom for field, whom in told.items() if field not in ("width", "height")}
    assert "The record states for all to read: width, height, the model" in done.stderr
    assert ("The seed is withheld with the prompt" in done.stderr) == (
        "prompt" in private and not {"seed", "all"} & private.keys() and not confidential
    )


def test_what_is_said_of_one_setting_goes_before_what_is_said_of_all() -> None:
    for private in (["prompt", f"all={NADIA}"], [f"all={NADIA}", "prompt"]):
        found = withheld_by(private, SETTING_FIELDS)
        assert (found["prompt"], found["seed"], found["steps"]) == ((), (NADIA,), (NADIA,))
        assert not {"width", "height"} & found.keys()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["generate", "p", "--private", "prompt", "--private", f"prompt={NADIA}"], "prompt is said twice"),
        (["generate", "p", "--private", "all", "--private", "all"], "all is said twice"),
        (["generate", "p", "--private", "width"], "the record states it"),
        (["generate", "p", "--private", "mask"], "this generation has prompt, negative_prompt, seed"),
        (["generate", "p", "--private", f"prompt={NADIA}, {CARLA}"], "' carla@club' is no account"),
        (["generate", "p", "--private", "prompt="], "'' is no account"),
        (["generate", "p", "--private", f"prompt={','.join(CROWD)}"], "16 by name at most"),
        (["generate", "p", "--strength", "0.6"], "name of what with --from"),
        (["generate", "p", "--mask", __file__], "name of what with --from"),
        (["openings", "disclose", "a", "prompt"], "give one of --to and --everybody"),
        (["openings", "disclose", "a", "prompt", "--everybody", "--to", NADIA], "give one of --to and --everybody"),
        (["openings", "disclose", "a", "prompt", "--to", ""], "'' is no account"),
        (["openings", "disclose", "a", "Prompt", "--everybody"], "'Prompt' is not one of 'prompt'"),
        (
            ["openings", "disclose", "a", "prompt", *(word for one in CROWD for word in ("--to", one))],
            "16 by name at most",
        ),
    ],
    ids=lambda words: " ".join(words)[:60] if isinstance(words, list) else "",
)
def test_a_wrong_use_is_told_in_a_sentence_and_nothing_is_sent(
    calls: list[dict[str, Any]], words: list[str], said: str
) -> None:
    done = run("--json", *words)

    told = json.loads(done.stdout)
    assert (done.exit_code, told["code"], calls) == (Exit.USAGE, "COMMAND_MALFORMED", [])
    assert said in told["detail"]
    assert "regex" not in told["detail"]


@pytest.mark.parametrize(
    ("words", "to"), [(["--everybody"], None), (["--to", NADIA, "--to", CARLA], (NADIA, CARLA))], ids=str
)
def test_a_setting_is_disclosed_to_whom_is_said(
    calls: list[dict[str, Any]], words: list[str], to: tuple[str, ...] | None
) -> None:
    run("openings", "disclose", "a", "prompt", *words)

    assert calls == [{"to": to}]
