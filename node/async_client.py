"""The SDK: a typed, asynchronous client of a node's REST.

It signs on the client's machine; keys never travel. How it reaches nodes is in `node/requesting.py`.
"""

from __future__ import annotations

import asyncio
import hashlib
import secrets
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any
from urllib.parse import quote

import msgspec

from ledger import actions, crypto
from ledger.actions import AnyAction, Royalty, Share
from ledger.consistency import ConsistencyProof, ConsistencyRefused, verify_consistency
from ledger.encoding import decode, encode
from ledger.execution.governance import proposal_id
from ledger.execution.token import token_id
from ledger.generation import SETTING_FIELDS, GenerationRequest, Opening, Openings
from ledger.genesis import Genesis
from ledger.governance import AnyChange, unknown_version
from ledger.receipt import Receipt, parse_receipt
from ledger.recovery import Recoveries
from ledger.state_answer import StateAnswer, StateAnswerRefused, verify_state_answer
from ledger.transaction import SignedTransaction, Signer, Transaction, sign
from ledger.version import KNOWN
from node.content import sealing
from node.drafts import Draft, complete, draft_of, sign_draft
from node.requesting import UNREACHED, RemarqueError, Requesting, now_ms

VALID_SECONDS = 300
"""For how long a transaction is valid unless told otherwise."""


def _or_unset(text: str | None) -> str | msgspec.UnsetType:
    return msgspec.UNSET if text is None else text


class AsyncClient(Requesting):
    """A member's access to nodes. `async with AsyncClient(url, account, key) as client: …`"""

    _genesis: Genesis | None = None

    # The chain

    async def genesis(self) -> Genesis:
        """The genesis of the nodes' chain."""
        if self._genesis is None:
            self._genesis = decode(await self.request("GET", "/v1/genesis", session=False), Genesis)
        return self._genesis

    async def sign(
        self, *wanted: AnyAction, valid_s: int = VALID_SECONDS, memo: str | None = None
    ) -> SignedTransaction:
        """Sign actions as one transaction of this client's account."""
        account, key = self._signer()
        transaction = Transaction(
            chain=(await self.genesis()).chain,
            signers=(Signer(account=account, key=key.public),),
            valid_until_ms=now_ms() + valid_s * 1000,
            nonce=secrets.token_hex(16),
            actions=wanted,
            memo=msgspec.UNSET if memo is None else memo,
        )
        return sign(transaction, [key])

    async def draft(
        self, *wanted: AnyAction, signers: dict[str, str], valid_s: int = VALID_SECONDS, memo: str | None = None
    ) -> Draft:
        """Actions for several accounts to sign; the first of them is the one that acts.

        `signers` maps each account to the public key it will sign with; empty: its only key in force.
        """
        found = []
        for account, key in signers.items():
            found.append(Signer(account=account, key=key or await self._only_key(account)))
        transaction = Transaction(
            chain=(await self.genesis()).chain,
            signers=tuple(found),
            valid_until_ms=now_ms() + valid_s * 1000,
            nonce=secrets.token_hex(16),
            actions=wanted,
            memo=msgspec.UNSET if memo is None else memo,
        )
        return draft_of(transaction)

    async def _only_key(self, account: str) -> str:
        keys = [key["public"] for key in (await self.get(f"/v1/accounts/{account}"))["keys"] if not key.get("revoked")]
        if len(keys) != 1:
            raise RemarqueError(
                "DRAFT_INVALID", f"{account} has {len(keys)} keys in force; name the one it will sign with"
            )
        return str(keys[0])

    async def submit(self, *wanted: AnyAction, memo: str | None = None) -> Receipt:
        """Sign and commit; the receipt, or RemarqueError with the code of the refusal."""
        return await self.send(await self.sign(*wanted, memo=memo))

    async def send(self, signed: SignedTransaction) -> Receipt:
        """Commit a signed transaction. Safe to repeat, to any node."""
        receipt = parse_receipt(await self.request("POST", "/v1/transactions", signed.envelope(), session=False))
        if receipt.outcome.code != "OK":
            detail = ""
            if self.key is not None:
                detail = (await self.get(f"/v1/transactions/{signed.id}"))["detail"]
            raise RemarqueError(receipt.outcome.code, detail, receipt=receipt)
        return receipt

    async def send_draft(self, draft: Draft) -> Receipt:
        """Commit a draft that all its signers have signed."""
        return await self.send(complete(draft, (await self.genesis()).chain))

    async def send_batch(self, batch: Sequence[SignedTransaction]) -> list[dict[str, Any]]:
        """Commit up to 1,000 signed transactions; what became of each, in order."""
        body = b"[" + b",".join(signed.envelope() for signed in batch) + b"]"
        answer = await self.request("POST", "/v1/transactions/batch", body, session=False)
        results: list[dict[str, Any]] = msgspec.json.decode(answer)["results"]
        return results

    async def receipt(self, transaction: str, anchor: int | None = None) -> Receipt:
        """Receipt of a committed transaction, proven up to a certified height if one is given."""
        params = {} if anchor is None else {"anchor": str(anchor)}
        path = f"/v1/transactions/{transaction}/receipt"
        return parse_receipt(await self.request("GET", path, session=False, params=params))

    async def consistency(
        self, first: int, second: int, genesis: Genesis | None = None, recoveries: Recoveries = ()
    ) -> ConsistencyProof:
        """Proof that the log at a certified height begins with that at a lower one: ConsistencyRefused if not.

        Give the genesis from a source you trust; else it is the one that the node itself names. `recoveries` are those
        of the chain that you accept.
        """
        params = {"from": str(first), "to": str(second)}
        data = await self.request("GET", "/v1/log/consistency", session=False, params=params)
        proof = verify_consistency(data, genesis or await self.genesis(), recoveries)
        if (proof.first.header.height, proof.second.header.height) != (first, second):
            raise ConsistencyRefused("it is about other heights than were asked for")
        return proof

    async def cose_receipt(self, transaction: str, anchor: int | None = None) -> bytes:
        """COSE receipt of a committed transaction by the node that is asked, for `verify_member_inclusion`."""
        params = {} if anchor is None else {"anchor": str(anchor)}
        path = f"/v1/transactions/{transaction}/receipt.cose"
        return await self.request("GET", path, session=False, params=params)

    async def register_statement(self, statement: bytes) -> bytes:
        """Register a signed statement; the node's COSE receipt. Safe to repeat, also on REGISTRATION_RUNNING."""
        return await self.request("POST", "/entries", statement, session=False, media_type="application/cose")

    async def transparent_statement(self, digest: str) -> bytes:
        """A registered statement, by the SHA-256 of its bytes, with the receipts of all nodes that answer in time."""
        return await self.request("GET", f"/entries/{digest}", session=False, params={"transparent": "true"})

    async def state(self, *keys: str, genesis: Genesis | None = None, recoveries: Recoveries = ()) -> StateAnswer:
        """What stands under keys of the state, proven: StateAnswerRefused if it does not hold.

        Give the genesis from a source you trust; else it is the one that the node itself names. `recoveries` are those
        of the chain that you accept.
        """
        query = "&".join(f"key={quote(key, safe='')}" for key in keys)
        data = await self.request("GET", f"/v1/state?{query}")
        answer = verify_state_answer(data, genesis or await self.genesis(), recoveries)
        if [entry.key for entry in answer.entries] != list(keys):
            raise StateAnswerRefused("it answers about other keys than were asked for")
        return answer

    async def state_at(self, *keys: str, height: int | None = None, time_ms: int | None = None) -> dict[str, Any]:
        """What stood under keys of the state after a block, or at a time, by the word of the node that is asked.

        Each of `entries` says since which block, and which transactions made it so: their receipts prove it.
        """
        query = "&".join(f"key={quote(key, safe='')}" for key in keys)
        when = f"height={height}" if height is not None else f"time_ms={time_ms}"
        found: dict[str, Any] = await self.get(f"/v1/state/at?{query}&{when}")
        return found

    async def events(self, after: str = "") -> AsyncIterator[tuple[str, dict[str, Any]]]:
        """Events as (id, event), from a place on, for ever; resumes by itself when cut off."""
        while True:
            try:
                async for place, event in self._stream("/v1/events", after):
                    after = place
                    yield place, event
            except UNREACHED:
                self.urls.append(self.urls.pop(0))
                await asyncio.sleep(0.2)

    # Pictures

    async def generate(
        self,
        prompt: str,
        *,
        model: str = "",
        negative_prompt: str = "",
        seed: int | None = None,
        steps: int = 20,
        guidance_centi: int = 500,
        width: int = 128,
        height: int = 128,
        count: int = 1,
        confidential: bool = False,
    ) -> str:
        """Ask the node's generator for pictures; the id of the generation. Follow it with `generation`."""
        account, key = self._signer()
        if not model:
            models = await self.get("/v1/generators")
            if not models["models"]:
                raise RemarqueError("GENERATOR_ABSENT", "this node has no generator; ask one that has")
            model = models["models"][0]
        settings: dict[str, str | int] = {
            "prompt": prompt,
            "negative_prompt": negative_prompt,
            "seed": secrets.randbits(31) if seed is None else seed,
            "steps": steps,
            "guidance_centi": guidance_centi,
            "width": width,
            "height": height,
        }
        openings = Openings(
            **{field: Opening(salt=secrets.token_hex(16), value=settings[field]) for field in SETTING_FIELDS}
        )
        request = GenerationRequest(
            chain=(await self.genesis()).chain,
            creator=account,
            key=key.public,
            model=model,
            count=count,
            confidential=confidential,
            commitments=openings.commitments(),
            valid_until_ms=now_ms() + VALID_SECONDS * 1000,
            nonce=secrets.token_hex(16),
        )
        signature = key.sign(crypto.GENERATION_REQUEST, encode(request))
        body = encode({"request": request, "signature": signature, "openings": openings})
        return str(msgspec.json.decode(await self.request("POST", "/v1/generations", body))["generation"])

    async def generation(
        self, generation: str, on_progress: Callable[[dict[str, Any]], None] | None = None
    ) -> list[dict[str, Any]]:
        """Wait for a generation, telling its progress; its pictures, each with `asset` and `transaction`."""
        while True:
            try:
                async for _, event in self._stream(f"/v1/generations/{generation}/events"):
                    if on_progress is not None:
                        on_progress(event)
                    if event["state"] == "failed":
                        raise RemarqueError(event.get("code", "GENERATION_FAILED"), event.get("detail", ""))
                    if event["state"] == "done":
                        pictures: list[dict[str, Any]] = event["pictures"]
                        return pictures
            except RemarqueError as error:
                if error.code != "SESSION_INVALID":
                    raise
            except UNREACHED:
                await asyncio.sleep(0.2)

    async def content(self, cid: str) -> bytes:
        """Bytes of stored content."""
        return await self.request("GET", f"/v1/content/{cid}")

    async def picture(self, asset: str) -> bytes:
        """File of a public asset."""
        return await self.content((await self.get(f"/v1/assets/{asset}"))["asset"]["content"]["cid"])

    async def put_content(self, data: bytes) -> dict[str, Any]:
        """Store a picture's bytes at the node before registering it; its content id and what identifies it."""
        stored: dict[str, Any] = msgspec.json.decode(await self.request("POST", "/v1/content", data))
        return stored

    async def register(self, data: bytes) -> tuple[str, Receipt]:
        """Record a picture of one's own (evidence: declared); its asset id and receipt."""
        stored = await self.put_content(data)
        receipt = await self.submit(
            actions.RegisterAsset(
                pixel_digest=stored["pixel_digest"],
                file_digest=stored["file_digest"],
                width=stored["width"],
                height=stored["height"],
                content=actions.Content(cid=stored["cid"], size=len(data), media_type=stored["media_type"]),
                image_code=stored["image_code"],
                confidential=False,
            )
        )
        return stored["pixel_digest"], receipt

    async def verify(self, data: bytes) -> dict[str, Any]:
        """What the chain knows about a picture."""
        found: dict[str, Any] = msgspec.json.decode(await self.request("POST", "/v1/verify", data, session=False))
        return found

    # Ownership and money

    async def mint(
        self,
        asset: str,
        royalty_ppm: int | None = None,
        payees: dict[str, int] | None = None,
        editions: int | None = None,
    ) -> tuple[str, Receipt]:
        """Mint an asset's token; its id and the receipt. Payees by account, weights in ppm making 1,000,000.

        With `editions` that many numbered ones are minted, and the id is that of the first.
        """
        royalty: Royalty | msgspec.UnsetType = msgspec.UNSET
        if royalty_ppm is not None:
            shares = payees or {self._signer()[0]: 1_000_000}
            royalty = Royalty(
                rate_ppm=royalty_ppm,
                payees=tuple(Share(account=account, weight_ppm=weight) for account, weight in shares.items()),
            )
        first = None if editions is None else 1
        several = msgspec.UNSET if editions is None else editions
        return token_id(asset, first), await self.submit(
            actions.MintToken(asset=asset, royalty=royalty, editions=several)
        )

    async def list_token(self, token: str, price: int, currency: str, hours: float = 24) -> Receipt:
        """Offer a token at a price in minor units."""
        until = now_ms() + int(hours * 3_600_000)
        return await self.submit(actions.ListToken(token=token, price=price, currency=currency, until_ms=until))

    async def draft_sale(
        self, token: str, to: str, price: int, currency: str, *, key: str = "", valid_s: int = VALID_SECONDS
    ) -> Draft:
        """A sale of one's own token to a buyer, without a listing, for both to sign; signed by this client already.

        `key` is the buyer's public key; needed only if the buyer has several.
        """
        sale = actions.SellToken(token=token, to=to, price=price, currency=currency)
        account, own = self._signer()
        draft = await self.draft(sale, signers={account: own.public, to: key}, valid_s=valid_s)
        return sign_draft(draft, own)

    async def buy(self, token: str, price: int, currency: str, terms: str | None = None) -> Receipt:
        """Buy a listed token at the price one has seen, and under the `terms` that its view showed, if given."""
        return await self.submit(actions.BuyToken(token=token, price=price, currency=currency, terms=_or_unset(terms)))

    async def derive(self, asset: str, *parents: str) -> Receipt:
        """Say what one's own asset was made from, before it is minted; the parents' policies decide and are paid."""
        return await self.submit(actions.DeriveAsset(asset=asset, parents=parents))

    async def offer(
        self, token: str, price: int, currency: str, hours: float = 24, terms: str | None = None
    ) -> Receipt:
        """Offer money for a token; it waits in escrow until the owner accepts or it is withdrawn."""
        until = now_ms() + int(hours * 3_600_000)
        return await self.submit(
            actions.MakeOffer(token=token, price=price, currency=currency, until_ms=until, terms=_or_unset(terms))
        )

    async def accept(self, token: str, buyer: str, price: int, currency: str) -> Receipt:
        """Sell one's token to a buyer who offered this price."""
        return await self.submit(actions.AcceptOffer(token=token, buyer=buyer, price=price, currency=currency))

    async def withdraw_offer(self, token: str, buyer: str | None = None) -> Receipt:
        """Have an offer's money back; another's only once it has ended, and then it goes to them."""
        return await self.submit(actions.WithdrawOffer(token=token, buyer=buyer or self._signer()[0]))

    async def open_auction(
        self, token: str, reserve: int, increment: int, currency: str, hours: float = 24, extension_s: int = 0
    ) -> Receipt:
        """Auction a token to the highest bidder; a bid nearer to the end than the extension moves the end."""
        return await self.submit(
            actions.OpenAuction(
                token=token,
                reserve=reserve,
                increment=increment,
                currency=currency,
                until_ms=now_ms() + int(hours * 3_600_000),
                extension_ms=extension_s * 1000,
            )
        )

    async def bid(self, token: str, price: int, currency: str, terms: str | None = None) -> Receipt:
        """Bid for a token; the money waits in escrow, and is back the moment one is outbid."""
        return await self.submit(actions.PlaceBid(token=token, price=price, currency=currency, terms=_or_unset(terms)))

    async def settle_auction(self, token: str) -> Receipt:
        """Close an auction that is over; anybody may."""
        return await self.submit(actions.SettleAuction(token=token))

    async def rent_out(self, token: str, to: str, hours: float) -> Receipt:
        """Let an account use one's token for a time, free of charge; for a price both sign a `RentToken`."""
        until = now_ms() + int(hours * 3_600_000)
        return await self.submit(actions.RentToken(token=token, to=to, until_ms=until))

    async def pay(self, to: str, amount: int, currency: str) -> Receipt:
        """Pay an account, in minor units."""
        return await self.submit(actions.Pay(to=to, amount=amount, currency=currency))

    async def balances(self, account: str | None = None) -> dict[str, int]:
        """What an account holds, in minor units by currency."""
        found: dict[str, int] = {}
        async for page in self._pages(f"/v1/accounts/{account or self._signer()[0]}/balances"):
            found |= page["balances"]
        return found

    # Policies

    async def evaluate(self, asset: str, kind: str, requester: str, **about: Any) -> dict[str, Any]:
        """What the rules would decide, explained; `about`: source, price, currency, to, height, time_ms."""
        asked = {"asset": asset, "kind": kind, "requester": requester}
        given = {name: value for name, value in about.items() if value is not None}
        return await self._ask("/v1/policies/evaluate", asked | given)

    async def replay(self, source: str, requests: int) -> dict[str, Any]:
        """The last requests under a proposed policy, and which come out otherwise."""
        return await self._ask("/v1/policies/replay", {"source": source, "requests": requests})

    async def _ask(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        found: dict[str, Any] = msgspec.json.decode(await self.request("POST", path, encode(body)))
        return found

    # Evidence

    async def dispute(self, asset: str, reason: str, evidence: bytes) -> Receipt:
        """Dispute what is recorded of an asset; the evidence's digest goes on the chain, its bytes stay here."""
        digest = hashlib.sha256(evidence).hexdigest()
        return await self.submit(actions.DisputeAsset(asset=asset, reason=reason, evidence=digest))

    async def withdraw_dispute(self, asset: str) -> Receipt:
        """Take the dispute of one's org back."""
        return await self.submit(actions.WithdrawDispute(asset=asset))

    # Governance and accounts

    async def propose(self, *changes: AnyChange, hours: float = 168, reason: str = "") -> tuple[str, Receipt]:
        """Put changes to the vote of the orgs; the proposal's id and the receipt. One's own org approves by it."""
        self._check_known(changes)
        until = now_ms() + int(hours * 3_600_000)
        receipt = await self.submit(actions.Propose(changes=changes, until_ms=until, reason=reason))
        return proposal_id(receipt.signed.id, 0), receipt

    async def vote(self, proposal: str, approve: bool) -> Receipt:
        """Say one's org's word on a proposal, for good."""
        if approve:
            found = await self.proposal(proposal)
            self._check_known(msgspec.convert(found["changes"], tuple[AnyChange, ...]))
        return await self.submit(actions.CastVote(proposal=proposal, approve=approve))

    def _check_known(self, changes: tuple[AnyChange, ...]) -> None:
        unknown = unknown_version(changes, KNOWN)
        if unknown is not None:
            raise RemarqueError(
                "PROTOCOL_UNKNOWN", f"this software does not know protocol version {unknown}; upgrade it, then vote"
            )

    async def proposal(self, proposal: str) -> dict[str, Any]:
        """A proposal with its votes, its status and the quorum."""
        found: dict[str, Any] = await self.get(f"/v1/proposals/{proposal}")
        return found

    async def rotate_key(self, new: str) -> Receipt:
        """Replace the key that this client signs with by another, given by its public part."""
        return await self.submit(actions.RotateKey(old=self._signer()[1].public, new=new))

    # Access

    async def grant(self, asset: str, account: str, until_ms: int) -> Receipt:
        """Let an account see a confidential asset until a time."""
        return await self.submit(actions.GrantAccess(asset=asset, account=account, until_ms=until_ms))

    async def revoke(self, asset: str, account: str) -> Receipt:
        """End a grant now."""
        return await self.submit(actions.RevokeAccess(asset=asset, account=account))

    async def open(self, asset: str, purpose: str = "") -> bytes:
        """Ask for a confidential asset, have the chain decide, and decrypt it. RemarqueError says which rule denied."""
        reader = sealing.ReaderKey()
        receipt = await self.submit(actions.RequestAccess(asset=asset, reader_key=reader.public, purpose=purpose))
        released = await self.get(f"/v1/releases/{receipt.signed.id}")
        content_key = reader.open(bytes.fromhex(released["shares"][0]["sealed"]))
        return sealing.decrypt(await self.picture(asset), content_key)
