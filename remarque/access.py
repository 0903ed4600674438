"""Who may see a confidential picture: granting, revoking, and opening one by a decision on the chain."""

from __future__ import annotations

from collections.abc import Sequence

from ledger import actions
from ledger.actions import Price, SealedKey
from ledger.crypto import SigningKey
from ledger.receipt import Receipt
from remarque import sealing
from remarque.api.content import Release
from remarque.drafts import Draft
from remarque.errors import RemarqueError
from remarque.picturing import PictureMethods
from remarque.requesting import segment
from remarque.submitting import VALID_SECONDS
from remarque.trading import TradeMethods


class AccessMethods(PictureMethods, TradeMethods):
    """What an account does about confidential pictures."""

    async def grant(self, asset: str, account: str, until_ms: int) -> Receipt:
        """Let an account see one's own confidential asset until a time, in milliseconds since 1970."""
        return await self.submit(actions.GrantAccess(asset=asset, account=account, until_ms=until_ms))

    async def draft_grant(
        self,
        asset: str,
        account: str,
        until_ms: int,
        price: int,
        currency: str,
        *,
        terms: str | None = None,
        key: str = "",
        valid_s: int = VALID_SECONDS,
    ) -> Draft:
        """A grant that the account pays for, in minor units, for both to sign; signed by this client already."""
        paid, seen = Price(amount=price, currency=currency), terms or await self.asset_terms(asset)
        asked = actions.GrantAccess(asset=asset, account=account, until_ms=until_ms, price=paid, terms=seen)
        return await self.draft_with({account: key}, asked, valid_s=valid_s)

    async def revoke(self, asset: str, account: str) -> Receipt:
        """End a grant now; it stops future releases only."""
        return await self.submit(actions.RevokeAccess(asset=asset, account=account))

    async def reseal(self, asset: str, node_key: SigningKey, nodes: Sequence[str]) -> Receipt:
        """Have further nodes hold the key of one's own confidential asset, as a node does whose key is at hand.

        NOT_CUSTODIAN if nothing is sealed to that node. SealBroken if what is sealed to it does not open.
        """
        keys = {one.name: one.key for one in await self.nodes()}
        held = (await self.asset(asset)).asset.content.sealed_keys
        own = [one.sealed for one in (held or ()) if keys.get(one.node) == node_key.public]
        unknown = sorted(set(nodes) - set(keys))
        if not own or unknown:
            raise RemarqueError(
                "NODE_UNKNOWN" if own else "NOT_CUSTODIAN",
                f"there is no node {', '.join(unknown)}" if own else "nothing is sealed to the node of this key",
            )
        made = sealing.reseal(bytes.fromhex(own[0]), node_key, {node: keys[node] for node in nodes})
        sealed_keys = tuple(SealedKey(node=node, sealed=sealed.hex()) for node, sealed in made.items())
        return await self.submit(actions.ResealAsset(asset=asset, sealed_keys=sealed_keys))

    async def open(self, asset: str, purpose: str = "") -> bytes:
        """Ask for a confidential asset, have the chain decide, and decrypt it. The purpose stands on the chain.

        POLICY_DENIED says which rules denied, NOT_CONFIDENTIAL that `picture` gives it, NOT_CUSTODIAN that no node that
        can open it answers now. SealBroken if what came does not open.
        """
        reader = sealing.ReaderKey()
        receipt = await self.submit(actions.RequestAccess(asset=asset, reader_key=reader.public, purpose=purpose))
        released = await self._read(f"/v1/releases/{segment(receipt.signed.id)}", Release)
        content_key = reader.open(bytes.fromhex(released.shares[0].sealed))
        return sealing.decrypt(await self.picture(asset), content_key)
