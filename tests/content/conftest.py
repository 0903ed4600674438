"""Other people's stores, as real processes."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from object_store_server import ObjectStore, running


@pytest.fixture(scope="session")
def object_store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ObjectStore]:
    """A server that speaks S3, with an empty bucket."""
    with running(tmp_path_factory.mktemp("weed")) as store:
        yield store
