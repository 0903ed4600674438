"""Who may see a confidential picture: granting, revoking, and opening one by a decision on the chain."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from msgspec import UNSET, UnsetType

from ledger import actions
from ledger.actions import Price, RekeyAsset, SealedKey
from ledger.actions.licences import Access
from ledger.actions.parts import ORG_CUSTODIANS_MAX
from ledger.capsules import convicts
from ledger.crypto import SigningKey
from ledger.encoding import decode
from ledger.errors import Code
from ledger.genesis import Genesis
from ledger.names import org_of
from ledger.receipt import Receipt
from ledger.records import Asset, NodeRecord, SharedKey, asset_key, shared_key_key
from ledger.recovery import Recoveries
from remarque import sealing
from remarque.api.content import AskViewing, Release, StoredCiphertext, ViewingOffered
from remarque.drafts import Draft
from remarque.encapsulating import ShareFalse, encapsulated_content
from remarque.errors import NodeCode, RemarqueError
from remarque.licensing import LicenceMethods
from remarque.opening import Decided, check_file, combining, opened, opened_held
from remarque.picturing import PictureMethods
from remarque.requesting import segment, value_of
from remarque.submitting import VALID_SECONDS
from threshold import SealSuite, ThresholdKey

REQUESTS_MAX = 3
"""So often access is asked for where what it opens by changed meanwhile."""


class _RequestAgain(Exception):
    """Another request may open what this one does not."""

    def __init__(self, fault: Exception) -> None:
        super().__init__(str(fault))
        self.fault = fault


class AccessMethods(PictureMethods, LicenceMethods):
    """What an account does about confidential pictures."""

    false_shares: tuple[ShareFalse, ...] = ()
    """What keepers signed that was no share of theirs, while this client opened pictures: evidence against them."""

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

    async def rekey(self, asset: str, genesis: Genesis | None = None, recoveries: Recoveries = ()) -> Receipt:
        """Give one's own confidential asset another key, encapsulated to the consortium's: its bytes are opened,
        encrypted anew here, and stored; what was stored before is forgotten by all nodes a day later. Whoever has seen
        it has seen it.

        By whoever alone owns the asset and all tokens of it: NOT_OWNER names who holds it too, and `draft_rekey` is
        for all of them to sign. CONTENT_INVALID while the consortium has no key. Trusts what `register` trusts.
        """
        return await self.submit(await self._rekeying(asset, genesis, recoveries))

    async def draft_rekey(
        self,
        asset: str,
        others: dict[str, str],
        *,
        genesis: Genesis | None = None,
        recoveries: Recoveries = (),
        valid_s: int = VALID_SECONDS,
    ) -> Draft:
        """The same for all who hold the asset to sign; `others` are those beside oneself, as in `draft_with`."""
        return await self.draft_with(others, await self._rekeying(asset, genesis, recoveries), valid_s=valid_s)

    async def _rekeying(self, asset: str, genesis: Genesis | None, recoveries: Recoveries) -> RekeyAsset:
        shared = await self.consortium_key(genesis, recoveries)
        if shared is None:
            raise RemarqueError(Code.CONTENT_INVALID.name, "the consortium has no key yet; its orgs vote to make one")
        named = asset_key(asset)
        proven = (await self.state(named, genesis=genesis, recoveries=recoveries)).value(named)
        if proven is None:
            raise RemarqueError(Code.ASSET_UNKNOWN.name, f"asset {asset[:16]}… is not recorded")
        record, plain = decode(proven, Asset), await self.open(asset, "rekey")
        check_file(plain, record)
        chain = (genesis or await self.genesis()).chain
        cipher, held = await asyncio.to_thread(encapsulated_content, plain, chain, asset, record.creator, shared)
        stored = value_of(await self.request("POST", "/v1/ciphertexts", cipher), StoredCiphertext)
        media_type = record.content.media_type
        content = actions.Content(cid=stored.cid, size=len(cipher), media_type=media_type, encapsulated=held)
        return RekeyAsset(asset=asset, content=content)

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

    async def open(
        self, asset: str, purpose: str = "", *, use: Access = "view", licence: str | None = None, hybrid: bool = False
    ) -> bytes:
        """Ask for a confidential asset, have the chain decide, and decrypt it. The purpose stands on the chain.

        `use`: what for, which the rules decide about each by itself; `licence`: under which, and a use of it is
        counted. A request that has to be made again for the key moved meanwhile counts again.

        `hybrid`: have the shares sealed by ML-KEM-768 with X25519, which keeps what is recorded on its way now from
        quantum computers later; for what is encapsulated to the consortium's key.

        POLICY_DENIED says which rules denied, NOT_CONFIDENTIAL that `picture` gives it, NOT_CUSTODIAN or
        KEEPERS_TOO_FEW that those who can open it do not answer now. SealBroken if what came does not open; ShareFalse
        if it does not for a keeper signed a false share. Those that did are in `false_shares` in any case.
        """
        for left in reversed(range(REQUESTS_MAX)):
            try:
                return await self._opened(asset, purpose, use, licence, hybrid=hybrid)
            except _RequestAgain as error:
                if not left:
                    raise error.fault from None
        raise AssertionError("unreachable")

    async def view(self, asset: str, purpose: str = "") -> bytes:
        """Have the node show a confidential asset: a file with a mark that leads to this request, and never the key.

        The node opens it, so its operator could see it. POLICY_DENIED says which rules denied; VIEWER_ABSENT that this
        node shows nothing, and NOT_LABELLED that the picture takes no mark.
        """
        offered = await self._ask("/v1/viewings", AskViewing(asset=asset), ViewingOffered)
        viewer = actions.Viewer(node=offered.node, signature=offered.signature)
        ask = actions.RequestAccess(asset=asset, reader_key=offered.reader_key, purpose=purpose, viewer=viewer)
        decided = (await self.submit(ask)).signed.id
        return await self.request("POST", f"/v1/viewings/{segment(decided)}")

    async def _opened(self, asset: str, purpose: str, use: Access, licence: str | None, *, hybrid: bool) -> bytes:
        """By one request. _RequestAgain if the picture's key moved meanwhile, or the consortium's was shared anew."""
        reader = sealing.ReaderKey(SealSuite.MLKEM768_X25519 if hybrid else SealSuite.X25519)
        ask = actions.RequestAccess(
            asset=asset, reader_key=reader.public, purpose=purpose, use=use, licence=licence or UNSET
        )
        if hybrid and isinstance((await self.asset(asset)).asset.content.encapsulated, UnsetType):
            raise RemarqueError(NodeCode.NOT_CUSTODIAN.name, "nodes hold its key, and seal it by X25519 only")
        first, receipt = await asyncio.gather(self.asset(asset), self.submit(ask))
        path, record, known = f"/v1/releases/{segment(receipt.signed.id)}", first.asset, len(self.false_shares)
        for query in ("", "?all=true"):
            try:
                released = await self._read(path + query, Release)
            except RemarqueError as error:
                raise (_RequestAgain(error) if error.code == NodeCode.RELEASE_DENIED.name else error) from None
            if isinstance(released.consortium_key, UnsetType):
                cipher = await self.content(record.content.cid)
                return await asyncio.to_thread(opened_held, cipher, record, released, reader)
            content_key = await self._combined(record, receipt, released, reader)
            if content_key is not None:
                cipher = await self.content(record.content.cid)
                return await asyncio.to_thread(opened, cipher, content_key, record)
            record = (await self.asset(asset)).asset
        if len(self.false_shares) > known:
            raise self.false_shares[-1]
        fault = sealing.SealBroken("fewer shares than open it were their keepers'; ask another node")
        raise fault if record.content == first.asset.content else _RequestAgain(fault)

    async def _combined(
        self, record: Asset, receipt: Receipt, released: Release, reader: sealing.ReaderKey
    ) -> bytes | None:
        """The content key that keepers open together, if what they gave is enough."""
        decided = Decided(receipt.header.chain, receipt.signed.id, receipt.header.height)
        found = await asyncio.to_thread(combining, record, decided, released, reader)
        if found is None:
            return None
        for false in found.false:
            if await self._is_convicted(false, found.epoch):
                self.false_shares = (*self.false_shares, false)
        return found.content_key() if found.enough else None

    async def _is_convicted(self, false: ShareFalse, epoch: int) -> bool:
        """Whether a keeper signed what it gave, and it is no share of the key that the chain proves to have."""
        named = shared_key_key(epoch)
        found = (await self.state(named)).value(named)
        if found is None:
            return False
        record = decode(found, SharedKey)
        account = await self.account_record(false.said.keeper)
        shared, holder = ThresholdKey.from_bytes(bytes.fromhex(record.key)), record.keepers.index(account.name) + 1
        return any(convicts(false.said, false.signature, key, shared, holder) for key in account.keys_in_force)
