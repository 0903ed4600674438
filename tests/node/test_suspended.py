"""Whoever is suspended is told so, and not that something is wrong with the key; a stranger learns nothing of it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from devnet.cluster import Cluster
from devnet.story import CREATOR, STUDIO
from ledger.actions import ResumeAccount, SuspendAccount
from remarque.client import Client
from remarque.errors import RemarqueError
from remarque.keys.files import new_key


@pytest.fixture
def suspended(one_node: Cluster) -> Iterator[Cluster]:
    """The node, while the creator is suspended."""
    with Client(one_node.urls, STUDIO, one_node.key(STUDIO)) as studio:
        studio.submit(SuspendAccount(account=CREATOR))
        yield one_node
        studio.submit(ResumeAccount(account=CREATOR))


@pytest.mark.parametrize("signed_requests", [False, True])
def test_reading_says_that_the_account_is_suspended(suspended: Cluster, *, signed_requests: bool) -> None:
    with (
        Client(suspended.urls, CREATOR, suspended.key(CREATOR), signed_requests=signed_requests) as alice,
        pytest.raises(RemarqueError, match=f"{CREATOR} is suspended; an administrator of its org resumes it"),
    ):
        alice.balances()


def test_an_open_session_says_it_too(one_node: Cluster) -> None:
    with (
        Client(one_node.urls, STUDIO, one_node.key(STUDIO)) as studio,
        Client(one_node.urls, CREATOR, one_node.key(CREATOR)) as alice,
    ):
        token = alice.session()
        studio.submit(SuspendAccount(account=CREATOR))
        try:
            with pytest.raises(RemarqueError, match="is suspended"):
                alice.balances()
        finally:
            studio.submit(ResumeAccount(account=CREATOR))
        assert alice.session() != token


def test_a_stranger_is_told_of_the_key_only(suspended: Cluster) -> None:
    with (
        Client(suspended.urls, CREATOR, new_key()) as stranger,
        pytest.raises(RemarqueError, match=f"is not a key of {CREATOR} in force"),
    ):
        stranger.balances()
