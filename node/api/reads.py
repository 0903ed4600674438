"""Queries: what the chain says. Private to members, but for checkpoints, receipts and the genesis."""

from __future__ import annotations

from collections.abc import Callable
from itertools import islice
from typing import Any

import msgspec
from fastapi import APIRouter, Depends
from starlette.responses import Response

from ledger import records
from ledger.actions import action_name
from ledger.encoding import decode_trusted, encode
from ledger.execution.policy import policies_for
from ledger.receipt import encode_receipt
from node.api.bodies import answer, transaction_id
from node.api.readers import Reader
from node.chain import Chain
from node.driver import Driver
from node.errors import NodeCode, NodeError

PAGE_MAX = 100
HISTORY_MAX = 1_000
"""Transactions in one answer about an asset's history."""


def open_routes(driver: Driver) -> APIRouter:
    """What anyone may read: how far the chain is, receipts, and the genesis they are checked against."""
    router = APIRouter(prefix="/v1", tags=["open"])
    chain = driver.chain

    @router.get("/checkpoint", summary="The newest certified header with its certificate")
    async def checkpoint() -> Response:
        certificate = chain.state.certificate_upto(chain.committed.height)
        header = chain.genesis_header if certificate is None else chain.header(certificate.height)
        found: dict[str, Any] = {"header": header, "hash": header.hash}
        if certificate is not None:
            found["certificate"] = certificate
        return answer(found)

    @router.get("/status", summary="What this node is doing")
    async def status() -> Response:
        replica = driver.replica
        return answer(
            {
                "chain": chain.name,
                "node": chain.node,
                "role": replica.role.value,
                "leader": replica.leader,
                "term": replica.term,
                "height": chain.committed.height,
                "hash": chain.committed.hash,
                "tip": chain.tip.height,
            }
        )

    @router.get("/genesis", summary="The genesis file")
    async def genesis() -> Response:
        return answer(chain.genesis)

    @router.get("/transactions/{transaction}/receipt", summary="The receipt of a committed transaction")
    async def receipt(transaction: str) -> Response:
        found = chain.receipt(transaction_id(transaction))
        if found is None:
            raise NodeError(NodeCode.NOT_FOUND, f"no transaction {transaction} is committed; ask again, or send it")
        return Response(encode_receipt(found), media_type="application/json")

    return router


def member_routes(driver: Driver, reader: Reader) -> APIRouter:
    """What members may read."""
    router = APIRouter(prefix="/v1", tags=["ledger"], dependencies=[Depends(reader)])
    chain = driver.chain

    _add_listings(router, chain)
    _add_accounts(router, chain)

    @router.get("/blocks/{height}", summary="A block: header, and what each of its transactions did")
    async def block(height: int) -> Response:
        return answer(block_summary(chain, height))

    @router.get("/transactions/{transaction}", summary="A transaction, its outcome, and its decisions explained")
    async def transaction(transaction: str) -> Response:
        place = chain.state.locate(transaction_id(transaction))
        if place is None:
            raise NodeError(NodeCode.NOT_FOUND, f"no transaction {transaction} is committed")
        return answer(transaction_at(chain, *place))

    @router.get("/assets", summary="Recorded assets, by id")
    async def assets(after: str = "", limit: int = 50) -> Response:
        start = records.asset_key(after)
        keys = (key for key in chain.state.keys(records.asset_key("")) if key > start)
        page = [_record(chain, key) for key in islice(keys, max(1, min(limit, PAGE_MAX)))]
        return answer({"assets": page})

    @router.get("/assets/{asset}", summary="An asset with its owner, and its royalty terms")
    async def asset(asset: str) -> Response:
        return answer(asset_view(chain, asset))

    @router.get("/assets/{asset}/history", summary="Every transaction about an asset or its token, oldest first")
    async def history(asset: str) -> Response:
        return answer(history_of(chain, asset))

    @router.get("/assets/{asset}/grants", summary="Grants of a confidential asset that have not ended")
    async def grants(asset: str) -> Response:
        now = chain.committed.time_ms
        kept = [decode_trusted(value, records.Grant) for _, value in chain.state.items(records.grant_key(asset, ""))]
        return answer({"asset": chain.ledger().asset(asset).id, "grants": [one for one in kept if one.until_ms > now]})

    @router.get("/tokens/{token}", summary="A token, with its listing if it is for sale")
    async def token(token: str) -> Response:
        found: dict[str, Any] = {"token": chain.ledger().token(token)}
        listing = chain.state.get(records.listing_key(token))
        if listing is not None:
            found["listing"] = msgspec.Raw(listing)
        return answer(found)

    return router


def _add_accounts(router: APIRouter, chain: Chain) -> None:
    @router.get("/accounts/{account}", summary="An account: keys and roles")
    async def account(account: str) -> Response:
        return answer(chain.ledger().account(account))

    @router.get("/accounts/{account}/balances", summary="What an account holds, in minor units by currency")
    async def balances(account: str) -> Response:
        chain.ledger().account(account)
        prefix = records.balance_key(account, "")
        found = {key.removeprefix(prefix): decode_trusted(value, int) for key, value in chain.state.items(prefix)}
        return answer({"account": account, "balances": found})


def _add_listings(router: APIRouter, chain: Chain) -> None:
    for name, prefix, summary in (
        ("orgs", records.org_key(""), "The members"),
        ("nodes", records.node_key(""), "The members' nodes"),
        ("models", records.model_key(""), "Registered generator models"),
        ("currencies", records.currency_key(""), "Currencies, with their supply"),
        ("policies", "policy/", "Published policies, with their sources"),
    ):
        router.add_api_route(f"/{name}", _listing(chain, name, prefix), methods=["GET"], summary=summary)


def _listing(chain: Chain, name: str, prefix: str) -> Callable[[], Any]:
    async def listing() -> Response:
        found = [msgspec.Raw(value) for _, value in islice(chain.state.items(prefix), 1_000)]
        return Response(encode({name: found}), media_type="application/json")

    return listing


def block_summary(chain: Chain, height: int) -> dict[str, Any]:
    """A block as queries show it."""
    if not 0 <= height <= chain.committed.height:
        raise NodeError(NodeCode.NOT_FOUND, f"block {height} is not final here; the newest is {chain.committed.height}")
    header, results = chain.header(height), chain.results(height)
    transactions = [] if height == 0 else chain.block(height).transactions
    return {
        "header": header,
        "hash": header.hash,
        "transactions": [
            {
                "transaction": signed.id,
                "actions": [action_name(ask) for ask in signed.transaction.actions],
                "code": results.outcomes[position].code,
            }
            for position, signed in enumerate(transactions)
        ],
    }


def transaction_at(chain: Chain, height: int, position: int) -> dict[str, Any]:
    """A committed transaction as queries show it."""
    block, results = chain.block(height), chain.results(height)
    signed = block.transactions[position]
    return {
        "id": signed.id,
        "height": height,
        "position": position,
        "time_ms": block.header.time_ms,
        "transaction": msgspec.Raw(signed.body),
        "signatures": signed.signatures,
        "outcome": results.outcomes[position],
        "detail": results.details[position],
        "explanations": results.explanations[position],
    }


def asset_view(chain: Chain, asset: str) -> dict[str, Any]:
    """An asset as queries show it, with owner and terms."""
    ledger = chain.ledger()
    record = ledger.asset(asset)
    found: dict[str, Any] = {"asset": record, "owner": ledger.owner(record)}
    if isinstance(record.token, str):
        token = ledger.token(record.token)
        found["token"] = token
        if not isinstance(token.royalty, msgspec.UnsetType):
            found["royalty"] = token.royalty
    clauses = [clause for policy in policies_for(ledger, record) for clause in policy.royalties]
    found["policy_royalties"] = [
        {"id": clause.id, "trigger": clause.trigger, "rate_ppm": clause.rate_ppm} for clause in clauses
    ]
    return found


def history_of(chain: Chain, asset: str) -> dict[str, Any]:
    """Everything that was asked about an asset or its token, whatever became of it; the newest if there is too much."""
    record = chain.ledger().asset(asset)
    places = set(chain.state.history(asset))
    if isinstance(record.token, str):
        places |= set(chain.state.history(record.token))
    found = []
    for height, position in sorted(places)[-HISTORY_MAX:]:
        shown = transaction_at(chain, height, position)
        transaction = chain.block(height).transactions[position].transaction
        found.append(
            {
                "transaction": shown["id"],
                "height": height,
                "time_ms": shown["time_ms"],
                "signer": transaction.signers[0].account,
                "actions": list(transaction.actions),
                "code": shown["outcome"].code,
                "detail": shown["detail"],
                "events": list(shown["outcome"].events),
                "decisions": list(shown["outcome"].decisions),
                "explanations": shown["explanations"],
            }
        )
    return {"history": found, "left_out": max(0, len(places) - HISTORY_MAX)}


def _record(chain: Chain, key: str) -> msgspec.Raw:
    return msgspec.Raw(chain.state.get(key) or b"null")
