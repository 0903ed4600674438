"""Queries: what the chain says. Private to members, but for checkpoints, receipts and the genesis."""

from __future__ import annotations

from typing import Any

import msgspec
from fastapi import APIRouter, Depends
from starlette.responses import Response

from ledger import records
from ledger.actions import action_name
from ledger.execution.holding import user_of
from ledger.execution.scope import governing, policies_named, policy_names
from ledger.receipt import encode_receipt
from node.api.bodies import answer, transaction_id
from node.api.log import Anchor
from node.api.readers import Reader
from node.chain.chain import Chain
from node.chain.finals import Final
from node.chain.proving import Proving
from node.chain.reading import Reading
from node.ordering.driver import Driver
from node.ordering.upgrades import protocol_status
from node.policies.redaction import explained
from node.verification.verifier import open_disputes
from remarque.errors import NodeCode, NodeError


def open_routes(driver: Driver, reading: Reading, proving: Proving) -> APIRouter:
    """What anyone may read: how far the chain is, receipts, and the genesis they are checked against."""
    router = APIRouter(prefix="/v1", tags=["open"])
    chain = driver.chain

    @router.get("/checkpoint", summary="The newest certified header with its certificate")
    async def checkpoint() -> Response:
        certificate = chain.state.certificate_upto(chain.committed.height)
        header = chain.header(0 if certificate is None else certificate.height)
        found: dict[str, Any] = {"header": header, "hash": header.hash}
        if certificate is not None:
            found["certificate"] = certificate
        if chain.recoveries:
            found["recoveries"] = chain.recoveries
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
                "oldest": chain.finals.oldest,
                "recoveries": len(chain.recoveries),
                "protocol": protocol_status(chain),
            }
        )

    @router.get("/genesis", summary="The genesis file")
    async def genesis() -> Response:
        return answer(chain.genesis)

    @router.get("/transactions/{transaction}/receipt", summary="The receipt of a committed transaction")
    async def receipt(transaction: str, anchor: Anchor = None) -> Response:
        height, position = reading.place(transaction_id(transaction))
        certificate = proving.anchor_of(height, anchor)
        found = await reading.receipt(height, position, certificate)
        return Response(encode_receipt(found), media_type="application/json")

    return router


def member_routes(chain: Chain, reading: Reading, reader: Reader) -> APIRouter:
    """What members may read."""
    router = APIRouter(prefix="/v1", tags=["ledger"], dependencies=[Depends(reader)])

    @router.get("/accounts/{account}", summary="An account: keys and roles")
    async def account(account: str) -> Response:
        return answer(chain.ledger().account(account))

    @router.get("/blocks/{height}", summary="A block: header, and what each of its transactions did")
    async def block(height: int) -> Response:
        newest = chain.committed.height
        if not 0 <= height <= newest:
            raise NodeError(NodeCode.NOT_FOUND, f"block {height} is not final here; the newest is {newest}")
        return await reading.final(height, lambda final: answer(block_summary(final)))

    @router.get("/transactions/{transaction}", summary="A transaction, its outcome, and its decisions explained")
    async def transaction(transaction: str, account: str = Depends(reader)) -> Response:
        height, position = reading.place(transaction_id(transaction))
        return await reading.final(height, lambda final: answer(transaction_at(chain, account, final, position)))

    @router.get("/assets/{asset}", summary="An asset with its owner, and its royalty terms")
    async def asset(asset: str) -> Response:
        return answer(asset_view(chain, asset))

    @router.get("/tokens/{token}", summary="A token with its terms; its listing, auction and rental if it has one")
    async def token(token: str) -> Response:
        ledger = chain.ledger()
        record = ledger.token(token)
        terms = " ".join(policy_names(ledger, ledger.asset(record.asset)))
        found: dict[str, Any] = {"token": record, "terms": terms}
        for name, key in (("listing", records.listing_key(token)), ("auction", records.auction_key(token))):
            value = chain.state.get(key)
            if value is not None:
                found[name] = msgspec.Raw(value)
        rental = user_of(ledger, token, chain.committed.time_ms)
        if rental is not None:
            found["rental"] = rental
        return answer(found)

    return router


def block_summary(final: Final) -> dict[str, Any]:
    """A block as queries show it."""
    return {
        "header": final.block.header,
        "hash": final.block.hash,
        "transactions": [
            {
                "transaction": signed.id,
                "actions": [action_name(ask) for ask in signed.transaction.actions],
                "code": outcome.code,
            }
            for signed, outcome in zip(final.block.transactions, final.results.outcomes, strict=True)
        ],
    }


def transaction_at(chain: Chain, reader: str, final: Final, position: int) -> dict[str, Any]:
    """A committed transaction as queries show it to an account."""
    signed, header, results = final.block.transactions[position], final.block.header, final.results
    return {
        "id": signed.id,
        "height": header.height,
        "position": position,
        "time_ms": header.time_ms,
        "transaction": msgspec.Raw(signed.body),
        "signatures": signed.signatures,
        "outcome": results.outcomes[position],
        "detail": results.details[position],
        "explanations": explained(chain.ledger(), reader, signed, results.explanations[position]),
    }


def asset_view(chain: Chain, asset: str) -> dict[str, Any]:
    """An asset as queries show it, with owner and terms."""
    ledger = chain.ledger()
    record = ledger.asset(asset)
    found: dict[str, Any] = {
        "asset": record,
        "owner": ledger.owner(record),
        "evidence": record.evidence_level,
        "disputes": open_disputes(ledger, record),
    }
    if isinstance(record.token, str):
        token = ledger.token(record.token)
        found["token"] = token
        if not isinstance(token.royalty, msgspec.UnsetType):
            found["royalty"] = token.royalty
    scopes = governing(ledger, record)
    names = tuple(one.policy for one in scopes)
    found |= {"policies": scopes, "terms": " ".join(names)}
    found["policy_royalties"] = [
        {"id": clause.id, "trigger": clause.trigger, "rate_ppm": clause.rate_ppm, "policy": policy.id}
        for policy in policies_named(ledger, names)
        for clause in policy.royalties
    ]
    return found
