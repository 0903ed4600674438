"""Who may see a confidential picture: granting, revoking, and opening one by a decision on the chain."""

from __future__ import annotations

from collections.abc import Sequence

from ledger import actions
from ledger.actions import Price, SealedKey
from ledger.actions.parts import ORG_CUSTODIANS_MAX
from ledger.crypto import SigningKey
from ledger.names import org_of
from ledger.receipt import Receipt
from ledger.records import NodeRecord
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

    async def reseal(self, asset: str, nodes: Sequence[str] = (), node_key: SigningKey | None = None) -> Receipt:
        """Have further nodes hold the key of one's own confidential asset: those named, or two of one's org.

        A custodian gives the key, sealed to each node, by a decision on the chain as for `open`; or give the key of a
        custodian, and it is done here. NOT_CUSTODIAN if no node that holds it answers, or if nothing is sealed to that
        key; NODE_UNKNOWN if there is no such node; RELEASE_DENIED if one is not of one's org.
        """
        known = {one.name: one for one in await self.nodes()}
        own = [one.name for one in known.values() if one.org == org_of(self._signer()[0])]
        wanted = list(nodes) or own[:ORG_CUSTODIANS_MAX]
        unknown = sorted(set(wanted) - set(known))
        if unknown or not wanted:
            detail = (
                f"there is no node {', '.join(unknown)}" if unknown else "your org has no node; name one of another"
            )
            raise RemarqueError("NODE_UNKNOWN", detail)
        if node_key is None:
            sealed = tuple([await self._seal(asset, known[name]) for name in wanted])
        else:
            sealed = await self._sealed_with(asset, node_key, {name: known[name].key for name in wanted}, known)
        return await self.submit(actions.ResealAsset(asset=asset, sealed_keys=sealed))

    async def _seal(self, asset: str, node: NodeRecord) -> SealedKey:
        """An asset's key as a custodian seals it to a node, by a request that names this one."""
        asked = actions.RequestAccess(asset=asset, reader_key=sealing.reader_key_of(node.key), purpose="custody")
        decided = (await self.submit(asked)).signed.id
        return await self._read(f"/v1/releases/{decided}/seals/{segment(node.name)}", SealedKey)

    async def _sealed_with(
        self, asset: str, node_key: SigningKey, keys: dict[str, str], known: dict[str, NodeRecord]
    ) -> tuple[SealedKey, ...]:
        """The same, by the key of a custodian."""
        held = (await self.asset(asset)).asset.content.sealed_keys or ()
        own = [one.sealed for one in held if one.node in known and known[one.node].key == node_key.public]
        if not own:
            raise RemarqueError("NOT_CUSTODIAN", "nothing is sealed to the node of this key")
        made = sealing.reseal(bytes.fromhex(own[0]), node_key, keys)
        return tuple(SealedKey(node=node, sealed=sealed.hex()) for node, sealed in made.items())

    async def open(self, asset: str, purpose: str = "") -> bytes:
        """Ask for a confidential asset, have the chain decide, and decrypt it. The purpose stands on the chain.

        POLICY_DENIED says which rules denied, NOT_CONFIDENTIAL that `picture` gives it, NOT_CUSTODIAN that no node that
        can open it answers now. SealBroken if what came does not open.
        """
        reader = sealing.ReaderKey()
        receipt = await self.submit(actions.RequestAccess(asset=asset, reader_key=reader.public, purpose=purpose))
        released = await self._read(f"/v1/releases/{segment(receipt.signed.id)}", Release)
        cipher, broken = await self.picture(asset), sealing.SealBroken("no custodian gave a share")
        for share in released.shares:
            try:
                return sealing.decrypt(cipher, reader.open(bytes.fromhex(share.sealed)))
            except (sealing.SealBroken, ValueError) as error:
                broken = sealing.SealBroken(f"what {share.node} gave: {error}")
        raise broken
