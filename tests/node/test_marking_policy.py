"""Which marks a node's generator puts in: what the settings say, as far as the keys are here."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest
from consortium import a_digest

from generator.protocol import Marks
from ledger import records
from node.generation.marking import Marking
from node.ground.config import MarkLayer, MarksSection
from node.verification.bindings import _image_code

KEY = bytes(range(32))
MODEL = records.Model(model=a_digest("model"), name="Brush", version="2", licence="MIT", provider="alice@studio")


def marks(*, key: bytes = KEY, signs: bool = True, **settings: Any) -> Marks:
    found = {
        records.model_key(MODEL.model): MODEL,
        records.org_key("studio"): records.Org(name="studio", title="Atelier Nord"),
    }
    ledger = SimpleNamespace(find=lambda key, kind: found.get(key), org_of_node={"node1": "studio"}.__getitem__)
    chain = cast(Any, SimpleNamespace(node="node1", ledger=lambda: ledger))
    return Marking(MarksSection(**settings), key, lambda: signs, chain).marks(MODEL.model)


def test_all_marks_are_put_in_whose_keys_are_here() -> None:
    told = marks()

    assert (told.watermark_key, told.label, told.manifest) == (KEY, True, True)
    assert (told.provider, told.system, told.version) == ("Atelier Nord", "Brush", "2")
    assert marks(provider="Nord Ltd").provider == "Nord Ltd"


def test_no_manifest_is_named_that_nobody_could_sign() -> None:
    assert not marks(signs=False).manifest
    assert marks(key=b"").watermark_key == b""


@pytest.mark.parametrize("left_out", ["watermark", "label", "manifest"])
def test_a_layer_that_the_settings_leave_out_is_left_out(left_out: MarkLayer) -> None:
    every = ("watermark", "label", "manifest")
    told = marks(layers=tuple(layer for layer in every if layer != left_out))

    assert [bool(told.watermark_key), told.label, told.manifest] == [layer != left_out for layer in every]


@pytest.mark.parametrize(
    ("value", "code"),
    [
        ("IQcP" + "Dw8P" * 10 + "Dw==", bytes([15] * 32)),
        ("IQcP" + "Dw8P" * 10 + "Dw", bytes([15] * 32)),
        ("AAAA", b""),
        ("A", b""),
        ("IQcP", b""),
    ],
)
def test_of_a_binding_the_image_code_is_looked_up_if_it_has_one(value: str, code: bytes) -> None:
    assert _image_code(value) == code
