"""The market on real nodes: two who want the same at once, nodes killed in the middle of it, a disk that is full."""

from __future__ import annotations

import asyncio
import random
import subprocess
import sys
import time
from pathlib import Path

from consortium import a_digest, registering

from devnet.cluster import Cluster
from devnet.story import COLLECTOR, CREATOR, CURRENCY, SECOND_COLLECTOR, STUDIO, TREASURER
from ledger import actions
from ledger.execution.holding import token_id
from ledger.receipt import encode_receipt, verify_receipt
from ledger.transaction import SignedTransaction
from remarque.async_client import AsyncClient
from remarque.client import Client
from remarque.errors import RemarqueError
from remarque.requesting import UNREACHED

ACCOUNTS = (CREATOR, COLLECTOR, SECOND_COLLECTOR)


def client_of(cluster: Cluster, account: str, node: str | None = None) -> Client:
    return Client(cluster.urls if node is None else cluster.url(node), account, cluster.key(account))


def a_token(cluster: Cluster, name: str) -> str:
    with client_of(cluster, CREATOR) as creator:
        creator.submit(registering(name), actions.MintToken(asset=a_digest(name)))
    return token_id(a_digest(name))


def at_once(cluster: Cluster, *signed: SignedTransaction) -> list[str]:
    """What became of transactions that are sent at the same time, each to another node."""

    async def sent(url: str, one: SignedTransaction) -> str:
        account = one.transaction.signers[0].account
        async with AsyncClient(url, account, cluster.key(account)) as client:
            try:
                return (await client.send(one)).outcome.code
            except RemarqueError as refused:
                return refused.code

    async def all_sent() -> list[str]:
        return await asyncio.gather(*(sent(url, one) for url, one in zip(cluster.urls, signed, strict=False)))

    return asyncio.run(all_sent())


def sign(cluster: Cluster, account: str, *asks: actions.AnyAction) -> SignedTransaction:
    with client_of(cluster, account) as client:
        signed: SignedTransaction = client.sign(*asks)
        return signed


def money(cluster: Cluster) -> dict[str, int]:
    with client_of(cluster, CREATOR) as client:
        return {account: client.balances(account).get(CURRENCY, 0) for account in ACCOUNTS}


def test_of_two_who_buy_the_same_listing_at_once_one_has_it_and_the_other_the_money(shared_nodes: Cluster) -> None:
    token = a_token(shared_nodes, "sea")
    with client_of(shared_nodes, CREATOR) as creator:
        creator.list_token(token, 1_000, CURRENCY)
    before = money(shared_nodes)
    buying = actions.BuyToken(token=token, price=1_000, currency=CURRENCY)

    codes = at_once(shared_nodes, *(sign(shared_nodes, account, buying) for account in (COLLECTOR, SECOND_COLLECTOR)))

    winner = (COLLECTOR, SECOND_COLLECTOR)[codes.index("OK")]
    after = money(shared_nodes)
    assert sorted(codes) == ["LISTING_UNKNOWN", "OK"]
    assert after == before | {winner: before[winner] - 1_000, CREATOR: before[CREATOR] + 1_000}
    for name in shared_nodes.names:
        with client_of(shared_nodes, CREATOR, name) as client:
            assert eventually_owner(client, token) == winner


def eventually_owner(client: Client, token: str) -> str:
    """Owner of a token that has left its creator's hands, once this node knows."""
    deadline = time.monotonic() + 10
    while True:
        owner = str(client.get(f"/v1/tokens/{token}")["token"]["owner"])
        if owner != CREATOR or time.monotonic() > deadline:
            return owner
        time.sleep(0.05)


def test_of_two_equal_bids_at_once_one_stands_and_the_other_was_never_taken(shared_nodes: Cluster) -> None:
    token = a_token(shared_nodes, "shore")
    with client_of(shared_nodes, CREATOR) as creator:
        creator.open_auction(token, 500, 10, CURRENCY)
    before = money(shared_nodes)
    bidding = actions.PlaceBid(token=token, price=700, currency=CURRENCY)

    codes = at_once(shared_nodes, *(sign(shared_nodes, account, bidding) for account in (COLLECTOR, SECOND_COLLECTOR)))

    winner = (COLLECTOR, SECOND_COLLECTOR)[codes.index("OK")]
    assert sorted(codes) == ["BID_TOO_LOW", "OK"]
    assert money(shared_nodes) == before | {winner: before[winner] - 700}
    with client_of(shared_nodes, CREATOR) as creator:
        (auction,) = creator.get("/v1/auctions")["auctions"]
    assert (auction["bidder"], auction["escrowed"]) == (winner, 700)


def test_of_two_texts_published_at_once_as_one_version_one_is_that_version_for_all(shared_nodes: Cluster) -> None:
    texts = [
        f'policy house version 1 schema remarque@1 {{ forbid sale as closed when true reason "by {n}"; }}' for n in "ab"
    ]
    signed = [sign(shared_nodes, STUDIO, actions.PublishPolicy(source=text)) for text in texts]

    codes = at_once(shared_nodes, *signed)

    assert sorted(codes) == ["OK", "POLICY_EXISTS"]
    published = texts[codes.index("OK")]
    with client_of(shared_nodes, CREATOR) as client:
        assert client.get("/v1/policies/house/1")["source"] == published


async def trading(
    cluster: Cluster,
    account: str,
    tokens: list[str],
    seed: int,
    acknowledged: list[SignedTransaction],
    stop: asyncio.Event,
) -> None:
    """Offer, withdraw, accept, list, buy and bid at random, and remember what was acknowledged."""
    chance = random.Random(seed)
    async with AsyncClient(cluster.urls, account, cluster.key(account)) as client:
        while not stop.is_set():
            token, price = chance.choice(tokens), chance.randint(100, 120)
            until = int(time.time() * 1000) + chance.choice((1_000, 8_000))
            terms = {"token": token, "price": price, "currency": CURRENCY}
            ask = chance.choice(
                (
                    actions.MakeOffer(**terms, until_ms=until),
                    actions.WithdrawOffer(token=token, buyer=account),
                    actions.AcceptOffer(**terms, buyer=chance.choice(ACCOUNTS)),
                    actions.ListToken(**terms, until_ms=until),
                    actions.BuyToken(**terms),
                    actions.OpenAuction(token=token, reserve=price, increment=1, currency=CURRENCY, until_ms=until),
                    actions.PlaceBid(**terms),
                    actions.SettleAuction(token=token),
                )
            )
            signed = await client.sign(ask)
            while True:
                try:
                    await client.send(signed)
                    acknowledged.append(signed)
                except RemarqueError as refused:
                    if refused.receipt is None and refused.status in (429, 502, 503, 504):
                        await asyncio.sleep(0.1)
                        continue
                except UNREACHED:
                    await asyncio.sleep(0.1)
                    continue
                break


def test_nodes_killed_in_the_middle_of_a_market_lose_and_strand_no_money(three_nodes: Cluster) -> None:
    cluster = three_nodes
    tokens = [a_token(cluster, name) for name in "abc"]
    whole = sum(money(cluster).values())
    acknowledged: list[SignedTransaction] = []

    async def story() -> None:
        stop = asyncio.Event()
        async with asyncio.TaskGroup() as group:
            for seed, account in enumerate(ACCOUNTS):
                group.create_task(trading(cluster, account, tokens, seed, acknowledged, stop))
            for blow in ("leader", "follower", "leader"):
                seen = len(acknowledged)
                while len(acknowledged) < seen + 15:
                    await asyncio.sleep(0.05)
                leads = await asyncio.to_thread(cluster.wait_leader)
                name = leads if blow == "leader" else next(one for one in cluster.names if one != leads)
                await asyncio.to_thread(cluster.kill, name)
                await asyncio.sleep(1.0)
                cluster.start(name)
                await asyncio.to_thread(cluster.wait_ready, [name])
            stop.set()

    asyncio.run(story())

    for name in cluster.names:
        with client_of(cluster, CREATOR, name) as client:
            for signed in acknowledged:
                verify_receipt(encode_receipt(client.receipt(signed.id)), cluster.genesis)
    close_everything(cluster, tokens)
    assert sum(money(cluster).values()) == whole


def close_everything(cluster: Cluster, tokens: list[str]) -> None:
    """Let all ends pass, then have a stranger close what is open: no offer and no auction is left."""
    with client_of(cluster, TREASURER) as stranger:
        for token in tokens:
            deadline = time.monotonic() + 60
            while True:
                offers = stranger.get(f"/v1/tokens/{token}/offers")["offers"]
                open_auctions = [one for one in stranger.get("/v1/auctions")["auctions"] if one["token"] == token]
                if not offers and not open_auctions:
                    break
                assert time.monotonic() < deadline, (offers, open_auctions)
                for one in offers:
                    refused_or_done(stranger, actions.WithdrawOffer(token=token, buyer=one["buyer"]))
                for _ in open_auctions:
                    refused_or_done(stranger, actions.SettleAuction(token=token))
                time.sleep(0.5)


def refused_or_done(client: Client, ask: actions.AnyAction) -> None:
    try:
        client.submit(ask)
    except RemarqueError as refused:
        assert refused.code in ("OFFER_OPEN", "AUCTION_OPEN"), refused


def test_a_disk_that_fills_up_while_policies_are_published_ends_the_node_and_keeps_each_that_was(
    tmp_path: Path,
) -> None:
    cluster = Cluster.create(tmp_path / "devnet", 1)
    config = cluster.home("node1") / "node.toml"
    run = f'ulimit -f 256; exec "{sys.executable}" -m node node run --config "{config}"'
    limited = subprocess.Popen(["/bin/bash", "-c", run], stderr=subprocess.DEVNULL)
    published: list[int] = []
    deadline = time.monotonic() + 60
    with client_of(cluster, STUDIO) as client:
        for version in range(1, 1_000):
            text = f"policy big version {version} schema remarque@1 {{ // {'x' * 15_000}\n}}"
            while limited.poll() is None and time.monotonic() < deadline:
                try:
                    client.submit(actions.PublishPolicy(source=text))
                    published.append(version)
                    break
                except (ConnectionError, RemarqueError):
                    time.sleep(0.05)
            if limited.poll() is not None:
                break
        assert limited.wait(timeout=10) == 70
        assert published
        try:
            cluster.up()
            for version in published:
                assert f"version {version} " in client.get(f"/v1/policies/big/{version}")["source"]
            client.submit(actions.SetOrgPolicy(policy="big", version=published[-1]))
        finally:
            cluster.down()
