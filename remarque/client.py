"""The client for programs without an event loop: every method of `AsyncClient`, blocking.

Written by scripts/write_client.py from `AsyncClient`; change that one, and run the script.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from ledger.actions import AnyAction, BuyLicence, Content, GrantLicence, OfferLicence
from ledger.actions.licences import Access
from ledger.block import Header
from ledger.consistency import ConsistencyProof
from ledger.crypto import SigningKey
from ledger.genesis import Genesis
from ledger.governance import AnyChange
from ledger.receipt import Receipt
from ledger.records import (
    Account,
    ArchiveRecord,
    Asset,
    Auction,
    Collection,
    Currency,
    Dispute,
    Grant,
    Licence,
    LicenceOffer,
    Listing,
    Model,
    NodeRecord,
    Offer,
    Org,
    PolicyRecord,
    Rental,
    Token,
)
from ledger.recovery import Recoveries
from ledger.state_answer import StateAnswer
from ledger.transaction import SignedTransaction
from remarque.api.assets import AssetView, HistoryRow, LineageView
from remarque.api.bindings import ManifestMatch, ManifestReceipt
from remarque.api.chain import BlockView, ChainEvent, Checkpoint, Status
from remarque.api.consortium import ConsortiumStanding
from remarque.api.content import MarkedPicture, PictureFacts, StoredPicture
from remarque.api.copies import CopiesState, FileCopies, StoredDirectory
from remarque.api.generation import GeneratedPicture, Generation, OpenedSettings
from remarque.api.governance import ProposalReplay, ProposalView
from remarque.api.market import RoyaltyInfo, TokenMetadata, TokenView
from remarque.api.past import AssetAt, StateAt
from remarque.api.pinning import PinResults, PinStatus
from remarque.api.policies import REPLAYED, Evaluation, PolicyCheck, Replay
from remarque.api.transactions import BatchOutcome, TransactionView
from remarque.api.verification import Verification
from remarque.api.work import MadePicture, Work, WorkRefusal, WorkStanding
from remarque.blocking import Blocking
from remarque.drafts import Draft
from remarque.submitting import VALID_SECONDS
from remarque.transferring import Progress
from threshold import ThresholdKey


class Client(Blocking):
    """An account's access to nodes. `with Client(url, account, key) as client: …`

    Methods refuse with RemarqueError, whose `code` is a permanent word; `remarque.errors` says what else may be met.
    """

    def grant(self, asset: str, account: str, until_ms: int) -> Receipt:
        """Let an account see one's own confidential asset until a time, in milliseconds since 1970."""
        return self._run(self._waiting.grant(asset, account, until_ms))

    def draft_grant(
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
        return self._run(
            self._waiting.draft_grant(asset, account, until_ms, price, currency, terms=terms, key=key, valid_s=valid_s)
        )

    def revoke(self, asset: str, account: str) -> Receipt:
        """End a grant now; it stops future releases only."""
        return self._run(self._waiting.revoke(asset, account))

    def reseal(self, asset: str, nodes: Sequence[str] = (), node_key: SigningKey | None = None) -> Receipt:
        """Have further nodes hold the key of one's own confidential asset: those named, or two of one's org.

        A custodian gives the key, sealed to each node, by a decision on the chain as for `open`; or give the key of a
        custodian, and it is done here. NOT_CUSTODIAN if no node that holds it answers, or if nothing is sealed to that
        key; NODE_UNKNOWN if there is no such node; RELEASE_DENIED if one is not of one's org.
        """
        return self._run(self._waiting.reseal(asset, nodes, node_key))

    def rekey(self, asset: str, genesis: Genesis | None = None, recoveries: Recoveries = ()) -> Receipt:
        """Give one's own confidential asset another key, encapsulated to the consortium's: its bytes are opened,
        encrypted anew here, and stored; what was stored before is forgotten by all nodes a day later. Whoever has seen
        it has seen it.

        By whoever alone owns the asset and all tokens of it: NOT_OWNER names who holds it too, and `draft_rekey` is
        for all of them to sign. CONTENT_INVALID while the consortium has no key. Trusts what `register` trusts.
        """
        return self._run(self._waiting.rekey(asset, genesis, recoveries))

    def draft_rekey(
        self,
        asset: str,
        others: dict[str, str],
        *,
        genesis: Genesis | None = None,
        recoveries: Recoveries = (),
        valid_s: int = VALID_SECONDS,
    ) -> Draft:
        """The same for all who hold the asset to sign; `others` are those beside oneself, as in `draft_with`."""
        return self._run(
            self._waiting.draft_rekey(asset, others, genesis=genesis, recoveries=recoveries, valid_s=valid_s)
        )

    def open(
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
        return self._run(self._waiting.open(asset, purpose, use=use, licence=licence, hybrid=hybrid))

    def view(self, asset: str, purpose: str = "") -> bytes:
        """Have the node show a confidential asset: a file with a mark that leads to this request, and never the key.

        The node opens it, so its operator could see it. POLICY_DENIED says which rules denied; VIEWER_ABSENT that this
        node shows nothing, and NOT_LABELLED that the picture takes no mark.
        """
        return self._run(self._waiting.view(asset, purpose))

    def generators(self) -> tuple[str, ...]:
        """Digests of the models that the node's generator serves; none if it has no generator, or that still starts."""
        return self._run(self._waiting.generators())

    def adapters(self) -> tuple[str, ...]:
        """Digests of the adapters that the node's generator can add to its models."""
        return self._run(self._waiting.adapters())

    def generate(
        self,
        prompt: str,
        *,
        model: str = "",
        adapters: Mapping[str, int] | None = None,
        negative_prompt: str = "",
        seed: int | None = None,
        steps: int = 20,
        guidance_centi: int = 500,
        width: int = 128,
        height: int = 128,
        count: int = 1,
        confidential: bool = False,
        precision: str = "float32",
        batch: int = 1,
        withheld: Mapping[str, Sequence[str]] | None = None,
        source: str | None = None,
        strength_centi: int = 60,
        mask: bytes | None = None,
        value: int | None = None,
        currency: str = "",
        licence: str | None = None,
    ) -> str:
        """Ask the node's generator for pictures; the id of the generation. Follow it with `progress` or `generation`.

        `model` is a digest, of the node's first model if left out; `adapters` (LoRA) are added to it, by their digests,
        each in hundredths: 100 adds one as it was trained. `seed` 0 to 2^32 − 1,001, by chance if left out;
        `guidance_centi` how closely to follow the prompt, in hundredths; `width` and `height` pixels, multiples of 8;
        `count` 1 to 16, `batch` of them computed together. `precision` `float32`, `bfloat16` or `float16`. What has no
        part in the pictures of this model (guidance where nothing guides it, a negative prompt where it is not used)
        makes the generation fail and names itself. Confidential pictures are encrypted before they are stored
        anywhere.

        `withheld` names settings that not everybody may read, each with the accounts that may: nobody's prompt is told
        by `{"prompt": ()}`, and the seed with it unless it is named too, for by a public seed a prompt can be guessed.
        All others are public, and of a confidential picture none is. Oneself, and whoever operates the generator,
        reads them in any case; `disclose` and `erase_settings` change it later.

        `source` is a recorded public picture that these are made of, each as its derivative: its policies decide, and
        oneself pays what they ask, by the terms that are in force now, `value` being what the right is worth for each
        and `licence` one of oneself to derive from it, of which each picture is a use.
        `strength_centi` is how much of it is redrawn, 1 to 100; `mask` a PNG of one channel and of the size that is
        asked for, whose white is redrawn while everything else keeps the source's pixels. Keep it: `regenerate` needs
        it, and only its digest is committed to.

        GENERATOR_ABSENT, GENERATION_INVALID, REQUEST_INVALID, MODEL_UNKNOWN if a model or adapter is not registered,
        MODEL_NOT_LOADED if nobody serves it, ACCOUNT_UNKNOWN, or GENERATION_QUEUE_FULL; with a source
        what `derive` is refused with, and CONTENT_MISSING.
        """
        return self._run(
            self._waiting.generate(
                prompt,
                model=model,
                adapters=adapters,
                negative_prompt=negative_prompt,
                seed=seed,
                steps=steps,
                guidance_centi=guidance_centi,
                width=width,
                height=height,
                count=count,
                confidential=confidential,
                precision=precision,
                batch=batch,
                withheld=withheld,
                source=source,
                strength_centi=strength_centi,
                mask=mask,
                value=value,
                currency=currency,
                licence=licence,
            )
        )

    def progress(self, generation: str) -> Iterator[Generation]:
        """How far a generation is, whenever that changes, until all its pictures are recorded.

        RemarqueError with the generator's code if it fails; what was recorded before stays.
        """
        return self._iterate(self._waiting.progress(generation))

    def generation(self, generation: str) -> tuple[GeneratedPicture, ...]:
        """Wait for a generation; its recorded pictures. RemarqueError with the generator's code if it fails."""
        return self._run(self._waiting.generation(generation))

    def withdraw_generation(self, generation: str) -> Generation:
        """Give a generation up; how far it is. It ends at its next step, with the code GENERATION_CANCELLED.

        Pictures that are recorded by then stay; one that has ended is left as it is. NOT_FOUND.
        """
        return self._run(self._waiting.withdraw_generation(generation))

    def disclose(self, asset: str, *settings: str, to: Sequence[str] | None = None) -> Receipt:
        """Let everybody, or the accounts of `to`, read withheld settings of one's generated picture.

        It holds for all pictures of the same generation and cannot be taken back. REQUEST_MALFORMED if `to` names
        nobody, or no account; CREATOR_MISSING, SETTING_UNKNOWN, SETTING_ERASED, NOTHING_TO_CHANGE, READERS_FULL.
        """
        return self._run(self._waiting.disclose(asset, *settings, to=to))

    def erase_settings(self, asset: str, *settings: str) -> Receipt:
        """Have every member destroy settings of one's generated picture in clear; its proofs hold as before.

        It holds for all pictures of the same generation, and is final. CREATOR_MISSING, SETTING_UNKNOWN,
        SETTING_ERASED.
        """
        return self._run(self._waiting.erase_settings(asset, *settings))

    def content(self, cid: str) -> bytes:
        """Bytes of stored content, encrypted if it is confidential, held against their id.

        CONTENT_MISSING if no node that answers has it, CONTENT_MISMATCH if what a node gives is something else.
        """
        return self._run(self._waiting.content(cid))

    def picture(self, asset: str) -> bytes:
        """File of a public asset; of a confidential one, of the encrypted file, which `open` decrypts."""
        return self._run(self._waiting.picture(asset))

    def released(self, asset: str) -> bytes:
        """A picture's file as it is released: with the manifest that its record names, if it names one.

        MANIFEST_MISSING if no node that answers has that yet; `picture` gives the recorded file in any case.
        """
        return self._run(self._waiting.released(asset))

    def manifests_like(self, data: bytes) -> tuple[ManifestMatch, ...]:
        """Manifests of recorded pictures that are confirmed to be this one, or a part of it, as C2PA's API names them.

        Open to anybody, as `verify` is. INDEX_LOADING for a while after a node's start.
        """
        return self._run(self._waiting.manifests_like(data))

    def manifests_at(self, url: str) -> tuple[ManifestMatch, ...]:
        """The same of the picture at an https address, which the node fetches. URL_REFUSED, URL_FAILED."""
        return self._run(self._waiting.manifests_at(url))

    def manifest(self, label: str) -> bytes:
        """A manifest with those of its ingredients (JUMBF), by its label. NOT_FOUND, MANIFEST_MISSING."""
        return self._run(self._waiting.manifest(label))

    def manifest_receipt(self, label: str) -> ManifestReceipt:
        """Proof that a record which names a manifest stands in the log. NOT_FOUND."""
        return self._run(self._waiting.manifest_receipt(label))

    def timestamp(self, request: bytes) -> bytes:
        """The node's answer to a request for a time-stamp (RFC 3161, DER both). TIMESTAMPS_ABSENT if it gives none."""
        return self._run(self._waiting.timestamp(request))

    def put_content(self, data: bytes | Path, progress: Progress | None = None) -> StoredPicture:
        """Store a picture's bytes at the node before registering it; its content id and what identifies it.

        A file that is named by its path is sent piece after piece, and goes on where it was after a fault.
        """
        return self._run(self._waiting.put_content(data, progress))

    def register(
        self,
        data: bytes | Path,
        collection: str | None = None,
        *,
        commit: bool = False,
        creators: Mapping[str, int] | None = None,
        confidential: PictureFacts | None = None,
        title: str | None = None,
        credit: str | None = None,
        similar: bool = False,
        source_type: str | None = None,
        genesis: Genesis | None = None,
        recoveries: Recoveries = (),
    ) -> tuple[str, Receipt]:
        """Record a picture of one's own (evidence: declared), in a collection of one's own if named; id and receipt.

        To `commit` first takes a transaction more, and keeps whoever sees the registration from coming before it.
        `creators` are paid as such, each by a weight in ppm, 1,000,000 together: oneself alone if left out.

        With `confidential`, what identifies the picture (`pictures.describing.describe` finds that out), it is
        encrypted here and no node sees it. Its key is encapsulated to the consortium's, if that has one; else the nodes
        of one's org in the genesis hold it, or the one asked. Give the `genesis` from a source you trust, and the
        `recoveries` of the chain that you accept; else the genesis is the one that the node itself names, which then
        is trusted not to put keys of its own into it.

        `source_type` is IPTC's word for where it comes from, such as `digitalCapture`.

        A near-duplicate of pictures that others have recorded is refused (SIMILAR_RECORDED names them): derive from
        one, or say that it is `similar`, and the record names them.

        ASSET_EXISTS if the same pixels are recorded already, IMAGE_UNREADABLE, IMAGE_TOO_LARGE or IMAGE_TOO_COSTLY if
        it is no picture that the node takes, CREATORS_INVALID, NOT_CUSTODIAN if no node can hold the key.
        """
        return self._run(
            self._waiting.register(
                data,
                collection,
                commit=commit,
                creators=creators,
                confidential=confidential,
                title=title,
                credit=credit,
                similar=similar,
                source_type=source_type,
                genesis=genesis,
                recoveries=recoveries,
            )
        )

    def mark(
        self,
        data: bytes,
        collection: str | None = None,
        *,
        source_type: str | None = None,
        commit: bool = False,
        creators: Mapping[str, int] | None = None,
        title: str | None = None,
        credit: str | None = None,
        similar: bool = False,
    ) -> tuple[MarkedPicture, Receipt]:
        """Have the node mark a picture that was not made here, and record it as one's own; what it is now, and receipt.

        It gets a watermark, a label with its `source_type`, and a manifest that the node signs once the record is
        final: `released` gives the file with all of them. Content Credentials that the file has become an ingredient
        of that manifest; of everything else that it says, nothing is kept. The rest is as for `register`.

        NOT_LABELLED if it has a watermark of the consortium, or several pictures; NOT_SIGNED if its credentials would
        be lost.
        """
        return self._run(
            self._waiting.mark(
                data,
                collection,
                source_type=source_type,
                commit=commit,
                creators=creators,
                title=title,
                credit=credit,
                similar=similar,
            )
        )

    def consortium_key(self, genesis: Genesis | None = None, recoveries: Recoveries = ()) -> ThresholdKey | None:
        """The consortium's key, to which content keys are encapsulated; None while there is none.

        It is proven by the chain, for a node that named another could open what is encapsulated to that. Give the
        genesis from a source you trust; else it is the one that the node itself names. `recoveries` are those of the
        chain that you accept.
        """
        return self._run(self._waiting.consortium_key(genesis, recoveries))

    def verify(self, data: bytes) -> Verification:
        """What the chain knows about a picture. INDEX_LOADING for a while after a node's start.

        Open to anybody: a client without an account is told what the records' rules open to strangers.
        """
        return self._run(self._waiting.verify(data))

    def verify_at(self, url: str) -> Verification:
        """The same of the picture at an https address, which the node fetches. URL_REFUSED, URL_FAILED."""
        return self._run(self._waiting.verify_at(url))

    def dispute(self, asset: str, reason: str, evidence: bytes) -> Receipt:
        """Dispute what is recorded of an asset; the evidence's digest goes on the chain, its bytes stay here."""
        return self._run(self._waiting.dispute(asset, reason, evidence))

    def withdraw_dispute(self, asset: str) -> Receipt:
        """Take the dispute of one's org back."""
        return self._run(self._waiting.withdraw_dispute(asset))

    def upload(self, file: Path, progress: Progress | None = None) -> str:
        """Send a file piece after piece; the name under which it can be stored, on the node that was asked.

        UPLOADS_FULL if too much waits there for a record. ConnectionError if no node answers for long.
        """
        return self._run(self._waiting.upload(file, progress))

    def download(self, cid: str, size: int, file: Path, progress: Progress | None = None) -> None:
        """Fetch content of a size, as its record says both, into a file; what an earlier try left beside it is used.

        CONTENT_MISSING if no node that answers has it, CONTENT_MISMATCH if what came is something else.
        """
        return self._run(self._waiting.download(cid, size, file, progress))

    def license(self, licence: GrantLicence | BuyLicence) -> tuple[str, Receipt]:
        """Give a licence for one's own asset without a price, or take an offered one; its id and the receipt.

        LICENCE_EXCLUSIVE if somebody else has one for some of it and one of the two would be; POLICY_DENIED.
        """
        return self._run(self._waiting.license(licence))

    def draft_licence(
        self,
        licence: GrantLicence,
        price: int,
        currency: str,
        *,
        payer: str = "",
        terms: str | None = None,
        key: str = "",
        valid_s: int = VALID_SECONDS,
    ) -> Draft:
        """One for a price, in minor units, for whoever pays to sign too: its account, or for an org's the `payer`."""
        return self._run(
            self._waiting.draft_licence(licence, price, currency, payer=payer, terms=terms, key=key, valid_s=valid_s)
        )

    def offer_licences(self, wanted: OfferLicence) -> tuple[str, Receipt]:
        """Offer licences of one's own asset to everybody; the offer's id and the receipt."""
        return self._run(self._waiting.offer_licences(wanted))

    def withdraw_licence_offer(self, asset: str, offer: str) -> Receipt:
        """Take an offer of licences back; those that were bought stay."""
        return self._run(self._waiting.withdraw_licence_offer(asset, offer))

    def buy_licence(
        self, asset: str, offer: str, price: int, currency: str, *, for_org: bool = False, terms: str | None = None
    ) -> tuple[str, Receipt]:
        """Take a licence that is offered, at the price in minor units that one has seen; its id and the receipt.

        `for_org`: for all accounts of one's org. PRICE_CHANGED or TERMS_CHANGED if they are others by then,
        OFFER_ENDED, POLICY_DENIED, INSUFFICIENT_FUNDS.
        """
        return self._run(self._waiting.buy_licence(asset, offer, price, currency, for_org=for_org, terms=terms))

    def revoke_licence(self, asset: str, licence: str) -> Receipt:
        """End a licence now. LICENCE_PAID: somebody has paid for it, and signs a draft of it too."""
        return self._run(self._waiting.revoke_licence(asset, licence))

    def publish(
        self, asset: str, licence: str, purpose: str = "", *, medium: str | None = None, territory: str | None = None
    ) -> Receipt:
        """Put on the chain that one publishes an asset under a licence; a use of it is counted.

        `medium` and `territory`: where, if the licence names some. LICENCE_UNFIT, POLICY_DENIED.
        """
        return self._run(self._waiting.publish(asset, licence, purpose, medium=medium, territory=territory))

    def terms(self, token: str) -> str:
        """The policies that a token is under now, as what is signed about it names them."""
        return self._run(self._waiting.terms(token))

    def asset_terms(self, asset: str) -> str:
        """The policies that an asset is under now, minted or not, as what is signed about it names them."""
        return self._run(self._waiting.asset_terms(asset))

    def mint(
        self,
        asset: str,
        royalty_ppm: int | None = None,
        payees: dict[str, int] | None = None,
        editions: int | None = None,
    ) -> tuple[str, Receipt]:
        """Mint one's own asset's token; its id and the receipt.

        `royalty_ppm` is the part of each resale's price in millionths; without it the policies say what a resale owes.
        `payees` are weights by account, in ppm, that make 1,000,000; without them all of it is the client's account's.
        With `editions` so many numbered tokens are minted, and the id is that of the first. TOKEN_EXISTS if the asset
        has its tokens already, POLICY_DENIED if a policy stands against it.
        """
        return self._run(self._waiting.mint(asset, royalty_ppm, payees, editions))

    def list_token(self, token: str, price: int, currency: str, lasting: float | datetime = 24) -> Receipt:
        """Put one's own token up for sale at a price, for so many hours or until a moment."""
        return self._run(self._waiting.list_token(token, price, currency, lasting))

    def transfer(self, token: str, to: str, terms: str | None = None) -> Receipt:
        """Give a token away; what its policies ask for a gift is paid."""
        return self._run(self._waiting.transfer(token, to, terms))

    def draft_sale(
        self,
        token: str,
        to: str,
        price: int,
        currency: str,
        *,
        terms: str | None = None,
        key: str = "",
        valid_s: int = VALID_SECONDS,
    ) -> Draft:
        """A sale of one's own token to a buyer, without a listing, for both to sign; signed by this client already.

        `key` is the buyer's public key; needed only if the buyer has several.
        """
        return self._run(self._waiting.draft_sale(token, to, price, currency, terms=terms, key=key, valid_s=valid_s))

    def draft_refund(self, token: str, other: str, *, key: str = "", valid_s: int = VALID_SECONDS) -> Draft:
        """The newest sale of a token undone, for its buyer and its seller (one of them: `other`) to sign."""
        return self._run(self._waiting.draft_refund(token, other, key=key, valid_s=valid_s))

    def draft_swap(
        self,
        token: str,
        for_token: str,
        other: str,
        *,
        value: int | None = None,
        for_value: int | None = None,
        currency: str = "",
        key: str = "",
        valid_s: int = VALID_SECONDS,
    ) -> Draft:
        """One's own token exchanged for another account's, with the values that both declare, for both to sign."""
        return self._run(
            self._waiting.draft_swap(
                token, for_token, other, value=value, for_value=for_value, currency=currency, key=key, valid_s=valid_s
            )
        )

    def buy(self, token: str, price: int, currency: str, terms: str | None = None) -> Receipt:
        """Buy a listed token at the price one has seen, and under the `terms` that its view showed.

        Token, price and every royalty move in one transaction or not at all: the receipt's `TokenSold` lists the
        payments. PRICE_CHANGED or TERMS_CHANGED if they are others by then, POLICY_DENIED with the explanation in
        `transaction`, INSUFFICIENT_FUNDS.
        """
        return self._run(self._waiting.buy(token, price, currency, terms))

    def derive(
        self,
        asset: str,
        *parents: str,
        value: int | None = None,
        currency: str = "",
        terms: Sequence[str] | None = None,
        licences: Sequence[str] = (),
    ) -> Receipt:
        """Say what one's own asset was made from, before it is minted; the parents' policies decide and are paid.

        `value` is what the right to derive is worth, for each parent; `terms` are those that one saw of each;
        `licences` those of one's own under which it was made, of which a use is counted.
        """
        return self._run(
            self._waiting.derive(asset, *parents, value=value, currency=currency, terms=terms, licences=licences)
        )

    def draft_derivation(
        self,
        asset: str,
        *parents: str,
        owners: Sequence[str],
        value: int | None = None,
        currency: str = "",
        terms: Sequence[str] | None = None,
        valid_s: int = VALID_SECONDS,
    ) -> Draft:
        """The same, for the parents' owners to sign too: by that they permit it."""
        return self._run(
            self._waiting.draft_derivation(
                asset, *parents, owners=owners, value=value, currency=currency, terms=terms, valid_s=valid_s
            )
        )

    def offer(
        self, token: str, price: int, currency: str, lasting: float | datetime = 24, terms: str | None = None
    ) -> Receipt:
        """Offer money for a token; it waits in escrow until the owner accepts, it is withdrawn, or it ends."""
        return self._run(self._waiting.offer(token, price, currency, lasting, terms))

    def accept(self, token: str, buyer: str, price: int, currency: str) -> Receipt:
        """Sell one's token to a buyer who offered this price."""
        return self._run(self._waiting.accept(token, buyer, price, currency))

    def withdraw_offer(self, token: str, buyer: str | None = None) -> Receipt:
        """Have an offer's money back; another's only once it has ended, and then it goes to them."""
        return self._run(self._waiting.withdraw_offer(token, buyer))

    def open_auction(
        self,
        token: str,
        reserve: int,
        increment: int,
        currency: str,
        lasting: float | datetime = 24,
        extension_s: int = 0,
    ) -> Receipt:
        """Auction a token to the highest bidder; a bid nearer to the end than the extension moves the end."""
        return self._run(self._waiting.open_auction(token, reserve, increment, currency, lasting, extension_s))

    def bid(self, token: str, price: int, currency: str, terms: str | None = None) -> Receipt:
        """Bid for a token; the money waits in escrow, and is back the moment one is outbid."""
        return self._run(self._waiting.bid(token, price, currency, terms))

    def settle_auction(self, token: str, terms: str | None = None) -> Receipt:
        """Close an auction that is over; anybody may.

        Where other policies are in force than the highest bidder saw, only the bidder: to buy under these `terms`, or
        without any to have the money back.
        """
        return self._run(self._waiting.settle_auction(token, terms))

    def rent_out(self, token: str, to: str, lasting: float | datetime) -> Receipt:
        """Let an account use one's token for a time, free of charge."""
        return self._run(self._waiting.rent_out(token, to, lasting))

    def draft_rental(
        self,
        token: str,
        to: str,
        lasting: float | datetime,
        price: int,
        currency: str,
        *,
        terms: str | None = None,
        key: str = "",
        valid_s: int = VALID_SECONDS,
    ) -> Draft:
        """One's token let to an account for a time and a price, for both to sign."""
        return self._run(
            self._waiting.draft_rental(token, to, lasting, price, currency, terms=terms, key=key, valid_s=valid_s)
        )

    def pay(self, to: str, amount: int, currency: str) -> Receipt:
        """Pay an account out of one's own balance."""
        return self._run(self._waiting.pay(to, amount, currency))

    def balances(self, account: str | None = None) -> dict[str, int]:
        """What an account holds, in minor units by currency."""
        return self._run(self._waiting.balances(account))

    def check_policy(self, source: str) -> PolicyCheck:
        """Whether a policy's source may be published; if not, why."""
        return self._run(self._waiting.check_policy(source))

    def evaluate(
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
        return self._run(
            self._waiting.evaluate(
                asset,
                kind,
                requester,
                source=source,
                price=price,
                currency=currency,
                to=to,
                viewer=viewer,
                paid=paid,
                height=height,
                time_ms=time_ms,
            )
        )

    def replay(self, source: str, requests: int = REPLAYED, *, binding_all: bool = False) -> Replay:
        """The last requests under a proposed policy, 1 to 10,000 of them, and which come out otherwise.

        It stands in the place of its other versions, or with `binding_all` in that of the consortium's policy.
        """
        return self._run(self._waiting.replay(source, requests, binding_all=binding_all))

    def set_policy(
        self, policy: str, version: int, *, asset: str | None = None, collection: str | None = None
    ) -> Receipt:
        """Put one's own asset or collection under a published policy; one's org, if neither is named."""
        return self._run(self._waiting.set_policy(policy, version, asset=asset, collection=collection))

    def create_collection(self, collection: str) -> Receipt:
        """Begin a collection, such as `spring-2027@acme`, of one's own org; one owns it."""
        return self._run(self._waiting.create_collection(collection))

    def add_to_collection(self, collection: str, asset: str) -> Receipt:
        """Put one's own asset in one's own collection, for good, before it is minted."""
        return self._run(self._waiting.add_to_collection(collection, asset))

    def propose(
        self, *changes: AnyChange, lasting: float | datetime = 168, reason: str = "", replayed: int = 0
    ) -> tuple[str, Receipt]:
        """Put changes to the vote of the orgs for so many hours, or until a moment; the proposal's id and the receipt.

        One's own org approves by it. `replayed`: say with it how so many of the last requests would have come out
        under the policy proposed. PROTOCOL_UNKNOWN if this software does not know a version that it would activate.
        """
        return self._run(self._waiting.propose(*changes, lasting=lasting, reason=reason, replayed=replayed))

    def replay_of(self, proposal: str) -> ProposalReplay:
        """The replay that a proposal came with, run again by the node: what was told, what is found, if it `holds`."""
        return self._run(self._waiting.replay_of(proposal))

    def vote(self, proposal: str, approve: bool) -> Receipt:
        """Say one's org's word on a proposal, for good."""
        return self._run(self._waiting.vote(proposal, approve))

    def rotate_key(self, new: str) -> Receipt:
        """Replace the key that this client signs with by another, given by its public part."""
        return self._run(self._waiting.rotate_key(new))

    def copies(self) -> CopiesState:
        """The depots in which the node that is asked keeps copies, how they are, and what is pinned. ROLE_MISSING."""
        return self._run(self._waiting.copies())

    def keep_copies(self, *, repair: bool = False, scrub: bool = False) -> CopiesState:
        """Have the node try all copies that are wanted now, or read all again, behind its answer. ROLE_MISSING."""
        return self._run(self._waiting.keep_copies(repair=repair, scrub=scrub))

    def where(self, cid: str) -> FileCopies:
        """Where a file is: at the node that is asked, in its depots, at other members. ROLE_MISSING."""
        return self._run(self._waiting.where(cid))

    def archives(self) -> list[ArchiveRecord]:
        """Content archives, by the word of the orgs that keep them."""
        return self._run(self._waiting.archives())

    def put_directory(self, directory: bytes) -> StoredDirectory:
        """Bring the directory of a content archive, which nodes keep once it is recorded. ROLE_MISSING."""
        return self._run(self._waiting.put_directory(directory))

    def content_block(self, cid: str) -> bytes:
        """A block of content, held against its id. CONTENT_MISSING."""
        return self._run(self._waiting.content_block(cid))

    def pin(self, cid: str, reason: str) -> PinStatus:
        """Have the node keep a file whatever becomes of its record. ROLE_MISSING."""
        return self._run(self._waiting.pin(cid, reason))

    def pins(self, *, cid: str = "", before: str = "") -> PinResults:
        """The newest pins, of a file or of all, which were asked for before a time (RFC 3339). ROLE_MISSING."""
        return self._run(self._waiting.pins(cid=cid, before=before))

    def unpin(self, cid: str) -> int:
        """Have the node keep a file only as long as a record names it; how many pins that were. ROLE_MISSING."""
        return self._run(self._waiting.unpin(cid))

    def receipt(self, transaction: str, anchor: int | None = None) -> Receipt:
        """Receipt of a committed transaction, proven up to a certified height if one is given. For members.

        It is read, not verified: `verify_receipt` does that, with the genesis alone. NOT_FOUND if nothing is committed
        under this id, HEIGHT_UNCERTIFIED if the node holds no certificate for exactly that height.
        """
        return self._run(self._waiting.receipt(transaction, anchor))

    def cose_receipt(self, transaction: str, anchor: int | None = None) -> bytes:
        """COSE receipt of a committed transaction by the node that is asked, for `verify_member_inclusion`."""
        return self._run(self._waiting.cose_receipt(transaction, anchor))

    def consistency(
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
        return self._run(self._waiting.consistency(first, second, genesis, recoveries, known))

    def state(
        self, *keys: str, genesis: Genesis | None = None, recoveries: Recoveries = (), known: Header | None = None
    ) -> StateAnswer:
        """What stands under keys of the state, proven: StateAnswerRefused if it does not hold.

        Give the genesis from a source you trust; else it is the one that the node itself names. `recoveries` are those
        of the chain that you accept, `known` a header that you know to be of it.
        """
        return self._run(self._waiting.state(*keys, genesis=genesis, recoveries=recoveries, known=known))

    def register_statement(self, statement: bytes) -> bytes:
        """Register a signed statement; the node's COSE receipt. Safe to repeat, also on REGISTRATION_RUNNING."""
        return self._run(self._waiting.register_statement(statement))

    def transparent_statement(self, digest: str) -> bytes:
        """A registered statement, by the SHA-256 of its bytes, with the receipts of all nodes that answer in time."""
        return self._run(self._waiting.transparent_statement(digest))

    def take_work(
        self,
        worker: str,
        models: tuple[str, ...],
        *,
        adapters: tuple[str, ...] = (),
        device: str = "cpu",
        wait_seconds: int = 0,
    ) -> Work | None:
        """Take the oldest generation for one of some models, with no other adapters than these, that nobody works on;
        None if there is none in time.

        `worker` is 32 hex digits by chance, the same for as long as this process runs: who has work is given that
        again. NOT_A_WORKER, GENERATOR_ABSENT, ACCOUNT_BUSY.
        """
        return self._run(
            self._waiting.take_work(worker, models, adapters=adapters, device=device, wait_seconds=wait_seconds)
        )

    def report_work(
        self,
        lease: str,
        *,
        index: int | None = None,
        step: int | None = None,
        steps: int | None = None,
        refused: WorkRefusal | None = None,
    ) -> WorkStanding:
        """Say that work goes on, so that it stays one's own, how far it is, and which record the ledger refused.

        The node looks by itself which pictures are recorded. WORK_LOST if it is no longer one's own.
        """
        return self._run(self._waiting.report_work(lease, index=index, step=step, steps=steps, refused=refused))

    def give_picture(self, made: MadePicture) -> Content:
        """Have the node store a picture that was made; what its record has to say of the file.

        It is held to its attestation. WORK_LOST, GENERATION_CANCELLED, ATTESTATION_INVALID, REQUEST_USED, and what a
        picture that is stored may be refused with.
        """
        return self._run(self._waiting.give_picture(made))

    def end_work(self, lease: str, *, code: str = "", detail: str = "", unable: bool = False) -> WorkStanding:
        """Do no more of a generation: it is done, or fails with a code, or goes on with another worker, if there is no
        code or the worker is `unable` to do what others may. WORK_LOST.
        """
        return self._run(self._waiting.end_work(lease, code=code, detail=detail, unable=unable))

    def sign(self, *wanted: AnyAction, valid_s: int = VALID_SECONDS, memo: str | None = None) -> SignedTransaction:
        """Sign actions as one transaction of this client's account, valid for so many seconds. Sends nothing."""
        return self._run(self._waiting.sign(*wanted, valid_s=valid_s, memo=memo))

    def draft(
        self, *wanted: AnyAction, signers: dict[str, str], valid_s: int = VALID_SECONDS, memo: str | None = None
    ) -> Draft:
        """Actions for several accounts to sign; the first of them is the one that acts.

        `signers` maps each account to the public key it will sign with; empty: its only key in force.
        """
        return self._run(self._waiting.draft(*wanted, signers=signers, valid_s=valid_s, memo=memo))

    def draft_with(
        self, others: dict[str, str], *wanted: AnyAction, valid_s: int = VALID_SECONDS, memo: str | None = None
    ) -> Draft:
        """Actions that this client's account asks for and others have to agree to; signed by this client already.

        `others` maps each account to the public key it will sign with; empty: its only key in force.
        """
        return self._run(self._waiting.draft_with(others, *wanted, valid_s=valid_s, memo=memo))

    def submit(self, *wanted: AnyAction, memo: str | None = None) -> Receipt:
        """Sign actions as one transaction and have it committed: all are carried out, or none; the receipt.

        RemarqueError with the code of the refusal; where the chain itself refused, with the `receipt` of that. On
        COMMIT_TIMEOUT the transaction may still be committed: what must not happen twice is signed once with `sign`,
        and given to `send` until there is a receipt.
        """
        return self._run(self._waiting.submit(*wanted, memo=memo))

    def send(self, signed: SignedTransaction) -> Receipt:
        """Have a signed transaction committed; the receipt, or RemarqueError. Safe to repeat, to any node.

        Pending says that it may be committed or not: then repeat it, until there is a receipt or a refusal.
        """
        return self._run(self._waiting.send(signed))

    def send_draft(self, draft: Draft) -> Receipt:
        """Commit a draft that all its signers have signed."""
        return self._run(self._waiting.send_draft(draft))

    def send_batch(self, batch: Sequence[SignedTransaction]) -> tuple[BatchOutcome, ...]:
        """Have up to 1,000 signed transactions committed; what became of each, in order, refused or not.

        Safe to repeat, to any node. Pending says that they may be committed or not: then repeat its `batch`.
        """
        return self._run(self._waiting.send_batch(batch))

    def status(self) -> Status:
        """What the node that is asked is doing. Open to anybody."""
        return self._run(self._waiting.status())

    def checkpoint(self) -> Checkpoint:
        """The newest certified header. Open to anybody; nothing of it is verified here."""
        return self._run(self._waiting.checkpoint())

    def genesis(self) -> Genesis:
        """The genesis that the nodes name, asked for once. To check proofs, have it from a source you trust instead."""
        return self._run(self._waiting.genesis())

    def block(self, height: int) -> BlockView:
        """A block, and what each of its transactions did. NOT_FOUND if it is not final yet, BLOCK_PRUNED if gone."""
        return self._run(self._waiting.block(height))

    def transaction(self, transaction: str) -> TransactionView:
        """A committed transaction with its outcome, and its decisions explained as far as the account may know."""
        return self._run(self._waiting.transaction(transaction))

    def events(self, after: str = "") -> Iterator[tuple[str, ChainEvent]]:
        """What happens, as (place, event), for ever; resumes by itself, without a gap, when cut off at any moment.

        It begins after the event at the place `after`; a height alone means its first event; without one, now. A node
        that was started again, or stops, is no end; RemarqueError if the account may no longer read.
        """
        return self._iterate(self._waiting.events(after))

    def account_record(self, account: str | None = None) -> Account:
        """An account's keys and roles; the client's own if none is named."""
        return self._run(self._waiting.account_record(account))

    def orgs(self) -> list[Org]:
        """The members, by name."""
        return self._run(self._waiting.orgs())

    def nodes(self) -> list[NodeRecord]:
        """The members' nodes, by name."""
        return self._run(self._waiting.nodes())

    def consortium(self) -> ConsortiumStanding:
        """Who votes, who answers and how far each node is, as the node that is asked sees it."""
        return self._run(self._waiting.consortium())

    def models(self) -> list[Model]:
        """Generator models that are registered, by digest."""
        return self._run(self._waiting.models())

    def currencies(self) -> list[Currency]:
        """Currencies, with their supply in minor units."""
        return self._run(self._waiting.currencies())

    def currency(self, currency: str) -> Currency:
        """A currency: its decimals, with which `remarque.amounts` writes and reads amounts. CURRENCY_UNKNOWN."""
        return self._run(self._waiting.currency(currency))

    def asset(self, asset: str) -> AssetView:
        """An asset with its owner, and what resales owe."""
        return self._run(self._waiting.asset(asset))

    def assets(self, creator: str | None = None) -> list[Asset]:
        """Recorded assets, by id: all, or those that an account created, alone or with others."""
        return self._run(self._waiting.assets(creator))

    def history(self, asset: str) -> list[HistoryRow]:
        """Every transaction about an asset or its token, oldest first, carried out or refused."""
        return self._run(self._waiting.history(asset))

    def lineage(self, asset: str) -> LineageView:
        """What an asset was made from, and who is owed what of its sales."""
        return self._run(self._waiting.lineage(asset))

    def openings(self, asset: str) -> OpenedSettings:
        """Prompt and settings of a generated picture as far as one may read them, and who may read which.

        Each is held against the commitment that the node says its creator signed. NOT_FOUND, OPENINGS_FALSE.
        """
        return self._run(self._waiting.openings(asset))

    def licences(self, *, asset: str = "", licensee: str = "") -> list[Licence]:
        """Licences by id: all, those for an asset, those of an account or an org, or of it for the asset."""
        return self._run(self._waiting.licences(asset=asset, licensee=licensee))

    def licence_offers(self, asset: str) -> list[LicenceOffer]:
        """Licences of an asset that its owner offers at a price, also those whose offer has ended."""
        return self._run(self._waiting.licence_offers(asset))

    def licence(self, licence: str) -> Licence:
        """A licence, with how often it was used. LICENCE_UNKNOWN."""
        return self._run(self._waiting.licence(licence))

    def grants(self, asset: str) -> list[Grant]:
        """Grants of a confidential asset that have not ended, by account."""
        return self._run(self._waiting.grants(asset))

    def disputes(self, asset: str) -> list[Dispute]:
        """Who has disputed an asset, and how it ended; by org."""
        return self._run(self._waiting.disputes(asset))

    def collection(self, collection: str) -> Collection:
        """A collection, with the policy of its assets."""
        return self._run(self._waiting.collection(collection))

    def collections(self) -> list[Collection]:
        """All collections, by name."""
        return self._run(self._waiting.collections())

    def collection_assets(self, collection: str) -> list[str]:
        """Ids of the assets of a collection, in order."""
        return self._run(self._waiting.collection_assets(collection))

    def token(self, token: str) -> TokenView:
        """A token with its terms; its listing, auction and rental if it has one."""
        return self._run(self._waiting.token(token))

    def tokens(self, asset: str) -> tuple[Token, ...]:
        """The tokens of an asset, by number."""
        return self._run(self._waiting.tokens(asset))

    def owned(self, account: str | None = None) -> list[Token]:
        """Tokens that an account owns, by id; the client's own if none is named."""
        return self._run(self._waiting.owned(account))

    def all_tokens(self) -> list[Token]:
        """All minted tokens, by id."""
        return self._run(self._waiting.all_tokens())

    def token_metadata(self, token: str) -> TokenMetadata:
        """A token's metadata in the form of ERC-721."""
        return self._run(self._waiting.token_metadata(token))

    def royalty_info(self, token: str, sale_price: int) -> RoyaltyInfo:
        """What a resale at a price in minor units owes, in the form of ERC-2981."""
        return self._run(self._waiting.royalty_info(token, sale_price))

    def offers(self, token: str) -> list[Offer]:
        """Offers for a token whose money is in escrow, by buyer."""
        return self._run(self._waiting.offers(token))

    def auctions(self) -> list[Auction]:
        """Auctions that are not closed, by token."""
        return self._run(self._waiting.auctions())

    def listings(self) -> list[Listing]:
        """Tokens for sale at a price, by token."""
        return self._run(self._waiting.listings())

    def rentals(self) -> list[Rental]:
        """Rentals in force, by token."""
        return self._run(self._waiting.rentals())

    def policy(self, name: str, version: int) -> PolicyRecord:
        """A published policy, with its source. POLICY_UNKNOWN if there is none."""
        return self._run(self._waiting.policy(name, version))

    def policies(self) -> list[PolicyRecord]:
        """All published policies, by name and version."""
        return self._run(self._waiting.policies())

    def proposal(self, proposal: str) -> ProposalView:
        """A proposal with its votes, its status and the quorum."""
        return self._run(self._waiting.proposal(proposal))

    def proposals(self) -> list[ProposalView]:
        """All proposals, by id."""
        return self._run(self._waiting.proposals())

    def state_at(self, *keys: str, height: int | None = None, time_ms: int | None = None) -> StateAt:
        """What stood under keys of the state after a block, or at a time, by the word of the node that is asked.

        Each of `entries` says since which block, and which transactions made it so: their receipts prove it.
        """
        return self._run(self._waiting.state_at(*keys, height=height, time_ms=time_ms))

    def asset_at(self, asset: str, *, height: int | None = None, time_ms: int | None = None) -> AssetAt:
        """An asset, its owner, policies and grants after a block, or at a time, by the word of the same node."""
        return self._run(self._waiting.asset_at(asset, height=height, time_ms=time_ms))

    def request(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        *,
        session: bool = True,
        params: dict[str, str] | None = None,
        media_type: str = "application/json",
        headers: Mapping[str, str] | None = None,
    ) -> bytes:
        """The bytes that the first node that answers gives; RemarqueError if it refuses.

        For routes that no method is for, such as tiles of the log. ConnectionError if no node answers.
        """
        return self._run(
            self._waiting.request(
                method, path, body, session=session, params=params, media_type=media_type, headers=headers
            )
        )

    def session(self) -> str:
        """The token of this client's session at the first of `urls`, opened on first use and good for an hour.

        Whoever holds it reads as the account, and signs nothing.
        """
        return self._run(self._waiting.session())

    def get(self, path: str, *, session: bool = True, **params: str) -> Any:
        """JSON of a GET as it came, for whoever wants it so; methods named after what they read give typed values.

        ANSWER_UNREADABLE if the answer is no JSON: `request` gives its bytes.
        """
        return self._run(self._waiting.get(path, session=session, **params))
