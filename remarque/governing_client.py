"""The SDK's part about rules: policies, the scopes that they are put in force for, votes, and an account's keys."""

from __future__ import annotations

import hashlib
from typing import Any

import msgspec

from ledger import actions
from ledger.encoding import encode
from ledger.execution.governance import proposal_id
from ledger.governance import AnyChange, Replayed, SetConsortiumPolicy, unknown_version
from ledger.receipt import Receipt
from ledger.version import KNOWN
from remarque.requesting import RemarqueError, now_ms
from remarque.submitting import Submitting


class GoverningClient(Submitting):
    """Policies and governance."""

    # Policies

    async def evaluate(self, asset: str, kind: str, requester: str, **about: Any) -> dict[str, Any]:
        """What the rules would decide, explained; `about`: source, price, currency, to, paid, height, time_ms."""
        asked = {"asset": asset, "kind": kind, "requester": requester}
        given = {name: value for name, value in about.items() if value is not None}
        return await self._ask("/v1/policies/evaluate", asked | given)

    async def replay(self, source: str, requests: int, *, binding_all: bool = False) -> dict[str, Any]:
        """The last requests under a proposed policy, and which come out otherwise.

        It stands in the place of its other versions, or with `binding_all` in that of the consortium's policy.
        """
        asked = {"source": source, "requests": requests, "binding_all": binding_all}
        return await self._ask("/v1/policies/replay", asked)

    async def _ask(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        found: dict[str, Any] = msgspec.json.decode(await self.request("POST", path, encode(body)))
        return found

    async def set_policy(
        self, policy: str, version: int, *, asset: str | None = None, collection: str | None = None
    ) -> Receipt:
        """Put one's own asset or collection under a published policy; one's org, if neither is named."""
        if asset is not None:
            return await self.submit(actions.SetPolicy(asset=asset, policy=policy, version=version))
        if collection is not None:
            return await self.submit(actions.SetCollectionPolicy(collection=collection, policy=policy, version=version))
        return await self.submit(actions.SetOrgPolicy(policy=policy, version=version))

    # Collections

    async def create_collection(self, collection: str) -> Receipt:
        """Begin a collection, such as `spring-2027@acme`, of one's own org; one owns it."""
        return await self.submit(actions.CreateCollection(collection=collection))

    async def add_to_collection(self, collection: str, asset: str) -> Receipt:
        """Put one's own asset in one's own collection, for good, before it is minted."""
        return await self.submit(actions.AddToCollection(collection=collection, asset=asset))

    # Governance and accounts

    async def propose(
        self, *changes: AnyChange, hours: float = 168, reason: str = "", replayed: int = 0
    ) -> tuple[str, Receipt]:
        """Put changes to the vote of the orgs; the proposal's id and the receipt. One's own org approves by it.

        `replayed`: say with it how so many of the last requests would have come out under the policy proposed.
        """
        self._check_known(changes)
        until = now_ms() + int(hours * 3_600_000)
        told = await self._replayed(changes, replayed) if replayed else msgspec.UNSET
        receipt = await self.submit(actions.Propose(changes=changes, until_ms=until, reason=reason, replay=told))
        return proposal_id(receipt.signed.id, 0), receipt

    async def _replayed(self, changes: tuple[AnyChange, ...], requests: int) -> Replayed:
        named = [change for change in changes if isinstance(change, SetConsortiumPolicy)]
        if not named:
            raise RemarqueError("REPLAY_INVALID", "no policy is proposed for all assets, so there is none to replay")
        source = (await self.get(f"/v1/policies/{named[0].policy}/{named[0].version}"))["source"]
        whole = await self.replay(source, requests, binding_all=True)
        counts = {name: whole[name] for name in ("policy", "first", "last", "requests", "decisions", "different")}
        return Replayed(**counts, digest=hashlib.sha256(encode(whole)).hexdigest())

    async def replay_of(self, proposal: str) -> dict[str, Any]:
        """The replay that a proposal came with, run again by the node: what was told, what is found, if it `holds`."""
        found: dict[str, Any] = await self.get(f"/v1/proposals/{proposal}/replay")
        return found

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
