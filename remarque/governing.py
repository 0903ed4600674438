"""Rules: policies, the scopes that they are put in force for, votes, and an account's keys."""

from __future__ import annotations

from datetime import datetime

import msgspec

from ledger import actions
from ledger.execution.governance import proposal_id
from ledger.governance import AnyChange, Replayed, SetConsortiumPolicy, unknown_version
from ledger.receipt import Receipt
from ledger.version import KNOWN
from remarque.api.governance import ProposalReplay
from remarque.api.policies import REPLAYED, AskReplay, Evaluation, PolicyCheck, Question, Replay, Written, in_short
from remarque.errors import RemarqueError
from remarque.requesting import end_ms, segment
from remarque.submitting import SubmitMethods


class GovernanceMethods(SubmitMethods):
    """What an account does with policies and votes."""

    # Policies

    async def check_policy(self, source: str) -> PolicyCheck:
        """Whether a policy's source may be published; if not, why."""
        return await self._ask("/v1/policies/check", Written(source=source), PolicyCheck)

    async def evaluate(
        self,
        asset: str,
        kind: str,
        requester: str,
        *,
        source: str = "",
        price: int | None = None,
        currency: str | None = None,
        to: str | None = None,
        viewer: str | None = None,
        paid: bool = False,
        height: int | None = None,
        time_ms: int | None = None,
    ) -> Evaluation:
        """What the rules would decide if an account asked for `kind` (`view`, `sale`, …) of an asset, explained.

        `source` is a policy in the place of the asset's own; `price` is in minor units, `to` would receive the asset,
        `viewer` is the org whose node would show it, `paid` says that another action of the same transaction pays. It
        is asked of the state after the block at `height`, else of the newest, at `time_ms`, else at that block's time.
        Nothing is changed by asking.
        """
        asked = Question(
            asset=asset,
            kind=kind,
            requester=requester,
            source=source,
            price=price,
            currency=currency,
            to=to,
            viewer=viewer,
            paid=paid,
            height=height,
            time_ms=time_ms,
        )
        return await self._ask("/v1/policies/evaluate", asked, Evaluation)

    async def replay(self, source: str, requests: int = REPLAYED, *, binding_all: bool = False) -> Replay:
        """The last requests under a proposed policy, 1 to 10,000 of them, and which come out otherwise.

        It stands in the place of its other versions, or with `binding_all` in that of the consortium's policy.
        """
        asked = AskReplay(source=source, requests=requests, binding_all=binding_all)
        return await self._ask("/v1/policies/replay", asked, Replay)

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
        self, *changes: AnyChange, lasting: float | datetime = 168, reason: str = "", replayed: int = 0
    ) -> tuple[str, Receipt]:
        """Put changes to the vote of the orgs for so many hours, or until a moment; the proposal's id and the receipt.

        One's own org approves by it. `replayed`: say with it how so many of the last requests would have come out
        under the policy proposed. PROTOCOL_UNKNOWN if this software does not know a version that it would activate.
        """
        self._check_known(changes)
        until = end_ms(lasting)
        told = await self._replayed(changes, replayed) if replayed else msgspec.UNSET
        receipt = await self.submit(actions.Propose(changes=changes, until_ms=until, reason=reason, replay=told))
        return proposal_id(receipt.signed.id, 0), receipt

    async def _replayed(self, changes: tuple[AnyChange, ...], requests: int) -> Replayed:
        named = [change for change in changes if isinstance(change, SetConsortiumPolicy)]
        if not named:
            raise RemarqueError("REPLAY_INVALID", "no policy is proposed for all assets, so there is none to replay")
        source = (await self.policy(named[0].policy, named[0].version)).source
        return in_short(await self.replay(source, requests, binding_all=True))

    async def replay_of(self, proposal: str) -> ProposalReplay:
        """The replay that a proposal came with, run again by the node: what was told, what is found, if it `holds`."""
        return await self._read(f"/v1/proposals/{segment(proposal)}/replay", ProposalReplay)

    async def vote(self, proposal: str, approve: bool) -> Receipt:
        """Say one's org's word on a proposal, for good."""
        if approve:
            self._check_known((await self.proposal(proposal)).changes)
        return await self.submit(actions.CastVote(proposal=proposal, approve=approve))

    def _check_known(self, changes: tuple[AnyChange, ...]) -> None:
        unknown = unknown_version(changes, KNOWN)
        if unknown is not None:
            raise RemarqueError(
                "PROTOCOL_UNKNOWN", f"this software does not know protocol version {unknown}; upgrade it, then vote"
            )

    async def rotate_key(self, new: str) -> Receipt:
        """Replace the key that this client signs with by another, given by its public part."""
        return await self.submit(actions.RotateKey(old=self._signer()[1].public, new=new))
