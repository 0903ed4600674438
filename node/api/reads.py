"""Queries: what the chain says. Private to members, but for checkpoints, the status and the genesis."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Path
from msgspec import UNSET, UnsetType, convert
from starlette.responses import Response

from ledger import records
from ledger.actions import action_name
from ledger.errors import Code
from ledger.execution.confidential import key_in_force
from ledger.execution.holding import listing_of, user_of
from ledger.execution.scope import governing, policies_named, policy_names
from ledger.execution.view import Ledger
from ledger.genesis import Genesis
from ledger.names import INTEGER_MAX
from ledger.receipt import Receipt, encode_receipt
from ledger.records import Account
from ledger.transaction import Transaction
from node.api.bodies import answer, stored
from node.api.lists import account_of
from node.api.log import ANCHORED, Anchor
from node.api.market import OF_TOKENS
from node.api.member import Member
from node.api.operations import operation
from node.api.readers import Reader
from node.api.routing import router as make_router
from node.chain.chain import Chain
from node.chain.finals import Final
from node.chain.proving import Proving
from node.chain.reading import Reading
from node.ordering.driver import Driver
from node.ordering.upgrades import protocol_status
from node.policies.redaction import explained
from node.verification.matches import open_disputes
from remarque.api.assets import AssetView, KeyKeepers, NamedRate, PolicyRoyalty
from remarque.api.chain import BlockTransaction, BlockView, Checkpoint, Status
from remarque.api.explanations import Explanation
from remarque.api.market import TokenView
from remarque.api.transactions import TransactionView
from remarque.errors import NodeCode, NodeError

Height = Annotated[int, Path(ge=0, le=INTEGER_MAX)]


def open_routes(driver: Driver) -> APIRouter:
    """What anyone may read: how far the chain is, and the genesis that all proofs are checked against."""
    router = make_router("/v1", "open")
    chain = driver.chain

    @router.get("/checkpoint", summary="The newest certified header with its certificate")
    @operation(Checkpoint)
    async def checkpoint() -> Response:
        """All that a client must remember to notice a rewritten chain. Without a certificate as long as only the
        genesis block is there.
        """
        certificate = chain.state.certificate_upto(chain.committed.height)
        header = chain.header(0 if certificate is None else certificate.height)
        return answer(
            Checkpoint(
                header=header,
                hash=header.hash,
                certificate=UNSET if certificate is None else certificate,
                recoveries=tuple(one.recovery for one in chain.recoveries) or UNSET,
            )
        )

    @router.get("/status", summary="What this node is doing")
    @operation(Status)
    async def status() -> Response:
        """Of this node alone; another may be further."""
        replica = driver.replica
        return answer(
            Status(
                chain=chain.name,
                node=chain.node,
                role=replica.role.value,
                leader=replica.leader,
                term=replica.term,
                height=chain.committed.height,
                hash=chain.committed.hash,
                tip=chain.tip.height,
                oldest=chain.finals.oldest,
                recoveries=len(chain.recoveries),
                protocol=protocol_status(chain),
            )
        )

    @router.get("/genesis", summary="The genesis file")
    @operation(Genesis)
    async def genesis() -> Response:
        """Get it once from somebody you trust: all that is verified is verified with it."""
        return answer(chain.genesis)

    return router


def member_routes(chain: Chain, reading: Reading, proving: Proving, reader: Reader) -> APIRouter:
    """What members may read."""
    router = make_router("/v1", "ledger", reader)

    @router.get("/accounts/{account}", summary="An account: keys and roles")
    @operation(Account, refuses=(NodeCode.NOT_FOUND,))
    async def account(account: str) -> Response:
        """With the blocks between which each key was good."""
        return answer(account_of(chain, account))

    @router.get("/blocks/{height}", summary="A block: header, and what each of its transactions did")
    @operation(BlockView, refuses=(NodeCode.NOT_FOUND, NodeCode.BLOCK_PRUNED))
    async def block(height: Height) -> Response:
        """Each transaction in short; it has a route of its own."""
        newest = chain.committed.height
        if height > newest:
            raise NodeError(NodeCode.NOT_FOUND, f"block {height} is not final here; the newest is {newest}")
        return await reading.final(height, lambda final: answer(block_view(final)))

    @router.get("/transactions/{transaction}", summary="A transaction, its outcome, and its decisions explained")
    @operation(TransactionView, refuses=(NodeCode.NOT_FOUND, NodeCode.BLOCK_PRUNED))
    async def transaction(transaction: str, member: Member = Depends(reader)) -> Response:
        """Denials are explained, and values that are not for the account that asks are withheld."""
        height, position = reading.place(transaction)
        return await reading.final(
            height, lambda final: answer(transaction_view(chain, member.account, final, position))
        )

    @router.get("/transactions/{transaction}/receipt", summary="The receipt of a committed transaction")
    @operation(Receipt, refuses=ANCHORED)
    async def receipt(transaction: str, anchor: Anchor = None) -> Response:
        """Verifiable offline. It holds the whole transaction, so it is for members; whoever has the signed transaction
        and is none gets its receipt by sending that once more.
        """
        height, position = reading.place(transaction)
        certificate = proving.anchor_of(height, anchor)
        found = await reading.receipt(height, position, certificate)
        return Response(encode_receipt(found), media_type="application/json")

    @router.get("/assets/{asset}", summary="An asset with its owner, and its royalty terms")
    @operation(AssetView, refuses=(Code.ASSET_UNKNOWN,))
    async def asset(asset: str) -> Response:
        """With the policies that govern it now, and what they ask of a resale."""
        return answer(asset_view(chain, asset))

    @router.get("/tokens/{token}", summary="A token with its terms; its listing, auction and rental if it has one")
    @operation(TokenView, refuses=OF_TOKENS)
    async def token(token: str) -> Response:
        """`terms` is what a buyer names in what it signs."""
        return answer(token_view(chain, token))

    return router


def block_view(final: Final) -> BlockView:
    """A block as queries show it."""
    transactions = tuple(
        BlockTransaction(
            transaction=signed.id,
            actions=tuple(action_name(ask) for ask in signed.transaction.actions),
            code=outcome.code,
        )
        for signed, outcome in zip(final.block.transactions, final.results.outcomes, strict=True)
    )
    return BlockView(header=final.block.header, hash=final.block.hash, transactions=transactions)


def transaction_view(chain: Chain, reader: str, final: Final, position: int) -> TransactionView:
    """A committed transaction as queries show it to an account."""
    signed, header, results = final.block.transactions[position], final.block.header, final.results
    whole = convert(results.explanations[position], tuple[Explanation, ...])
    return TransactionView(
        id=signed.id,
        height=header.height,
        position=position,
        time_ms=header.time_ms,
        transaction=stored(signed.body, Transaction),
        signatures=signed.signatures,
        outcome=results.outcomes[position],
        detail=results.details[position],
        explanations=explained(chain.ledger(), reader, signed, whole),
    )


def token_view(chain: Chain, token: str) -> TokenView:
    """A token as queries show it, with its terms and what is under way with it."""
    ledger = chain.ledger()
    record = ledger.token(token)
    rental = user_of(ledger, token, chain.committed.time_ms)
    return TokenView(
        token=record,
        terms=" ".join(policy_names(ledger, ledger.asset(record.asset))),
        listing=listing_of(ledger, token, chain.committed.time_ms) or UNSET,
        auction=ledger.find(records.auction_key(token), records.Auction) or UNSET,
        rental=UNSET if rental is None else rental,
    )


def asset_view(chain: Chain, asset: str) -> AssetView:
    """An asset as queries show it, with owner and terms."""
    ledger = chain.ledger()
    record = ledger.asset(asset)
    token = ledger.token(record.token) if isinstance(record.token, str) else UNSET
    scopes = governing(ledger, record)
    names = tuple(one.policy for one in scopes)
    royalties = tuple(
        PolicyRoyalty(
            id=clause.id,
            trigger=clause.trigger,
            rate_ppm=clause.rate_ppm,
            named=tuple(NamedRate(payee=one.payee, rate_ppm=one.rate_ppm) for one in clause.named),
            policy=policy.id,
        )
        for policy in policies_named(ledger, names)
        for clause in policy.royalties
    )
    return AssetView(
        asset=record,
        owner=ledger.owner(record),
        evidence=record.evidence_level,
        disputes=open_disputes(ledger, record),
        token=token,
        royalty=UNSET if token is UNSET else token.royalty,
        policies=tuple(scopes),
        terms=" ".join(names),
        policy_royalties=royalties,
        opened_by=UNSET if record.content.encapsulated is UNSET else _keepers(ledger),
    )


def _keepers(ledger: Ledger) -> KeyKeepers | UnsetType:
    shared = key_in_force(ledger)
    if shared is None:
        return UNSET
    return KeyKeepers(threshold=shared.threshold, keepers=shared.keepers, epoch=shared.epoch)
