from __future__ import annotations

import pytest
from consortium import State, a_genesis


@pytest.fixture
def state() -> State:
    """A consortium's state at genesis, in memory."""
    return State(a_genesis())
