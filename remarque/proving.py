"""What a node must prove: receipts, the log's consistency, the state; and statements that are registered in the log.

What does not hold is refused here, on this machine, by an error that says so: ReceiptRefused, ConsistencyRefused,
StateAnswerRefused, CoseRefused. Then trust nothing of what came.
"""

from __future__ import annotations

from urllib.parse import quote

from ledger.block import Header
from ledger.consistency import ConsistencyProof, ConsistencyRefused, verify_consistency
from ledger.genesis import Genesis
from ledger.receipt import Receipt, parse_receipt
from ledger.recovery import Recoveries
from ledger.state_answer import StateAnswer, StateAnswerRefused, verify_state_answer
from remarque.requesting import segment
from remarque.submitting import SubmitMethods


class ProofMethods(SubmitMethods):
    """Proofs for an account, and statements by it."""

    async def receipt(self, transaction: str, anchor: int | None = None) -> Receipt:
        """Receipt of a committed transaction, proven up to a certified height if one is given. For members.

        It is read, not verified: `verify_receipt` does that, with the genesis alone. NOT_FOUND if nothing is committed
        under this id, HEIGHT_UNCERTIFIED if the node holds no certificate for exactly that height.
        """
        params = {} if anchor is None else {"anchor": str(anchor)}
        path = f"/v1/transactions/{segment(transaction)}/receipt"
        return parse_receipt(await self.request("GET", path, params=params))

    async def cose_receipt(self, transaction: str, anchor: int | None = None) -> bytes:
        """COSE receipt of a committed transaction by the node that is asked, for `verify_member_inclusion`."""
        params = {} if anchor is None else {"anchor": str(anchor)}
        path = f"/v1/transactions/{segment(transaction)}/receipt.cose"
        return await self.request("GET", path, session=False, params=params)

    async def consistency(
        self,
        first: int,
        second: int,
        genesis: Genesis | None = None,
        recoveries: Recoveries = (),
        known: Header | None = None,
    ) -> ConsistencyProof:
        """Proof that the log at a certified height begins with that at a lower one: ConsistencyRefused if not.

        Give the genesis from a source you trust; else it is the one that the node itself names. `recoveries` are those
        of the chain that you accept, `known` a header that you know to be of it.
        """
        params = {"from": str(first), "to": str(second)}
        data = await self.request("GET", "/v1/log/consistency", session=False, params=params)
        proof = verify_consistency(data, genesis or await self.genesis(), recoveries, known)
        if (proof.first.header.height, proof.second.header.height) != (first, second):
            raise ConsistencyRefused("it is about other heights than were asked for")
        return proof

    async def state(
        self,
        *keys: str,
        genesis: Genesis | None = None,
        recoveries: Recoveries = (),
        known: Header | None = None,
    ) -> StateAnswer:
        """What stands under keys of the state, proven: StateAnswerRefused if it does not hold.

        Give the genesis from a source you trust; else it is the one that the node itself names. `recoveries` are those
        of the chain that you accept, `known` a header that you know to be of it.
        """
        query = "&".join(f"key={quote(key, safe='')}" for key in keys)
        data = await self.request("GET", f"/v1/state?{query}")
        answer = verify_state_answer(data, genesis or await self.genesis(), recoveries, known)
        if [entry.key for entry in answer.entries] != list(keys):
            raise StateAnswerRefused("it answers about other keys than were asked for")
        return answer

    async def register_statement(self, statement: bytes) -> bytes:
        """Register a signed statement; the node's COSE receipt. Safe to repeat, also on REGISTRATION_RUNNING."""
        return await self.request("POST", "/entries", statement, session=False, media_type="application/cose")

    async def transparent_statement(self, digest: str) -> bytes:
        """A registered statement, by the SHA-256 of its bytes, with the receipts of all nodes that answer in time."""
        return await self.request("GET", f"/entries/{segment(digest)}", session=False, params={"transparent": "true"})
