from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import reference_actions
from consortium import State, a_genesis

from ledger.errors import LedgerError
from ledger.execution.context import HANDLERS


@pytest.fixture
def state() -> State:
    """A consortium's state at genesis, in memory."""
    return State(a_genesis())


@pytest.fixture(scope="session", autouse=True)
def the_page_of_actions_knows_every_refusal() -> Iterator[None]:
    """Whatever these tests are refused with, docs/actions.md says that the action may be refused with it."""
    unknown: set[tuple[str, str]] = set()

    def watched(kind: type[Any], handler: Any) -> Any:
        said = reference_actions.codes_of(kind) | reference_actions.HELD_FOR_EVERY_ACTION

        def carry_out(ledger: Any, tx: Any, ask: Any) -> None:
            try:
                handler(ledger, tx, ask)
            except LedgerError as refusal:
                if refusal.code.name not in said:
                    unknown.add((kind.__name__, refusal.code.name))
                raise

        return carry_out

    with pytest.MonkeyPatch.context() as patch:
        for kind, handler in HANDLERS.items():
            patch.setitem(HANDLERS, kind, watched(kind, handler))
        yield
    assert unknown == set()
