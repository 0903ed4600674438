"""What the state holds: one frozen record per kind, and the key it lies under.

Keys are readable text (`token/<id>`), so that a proof of presence or absence says what it is about. A record's bytes
are its canonical JSON.
"""

from __future__ import annotations

from msgspec import UNSET, UnsetType

from ledger.actions import Content, Royalty, Share
from ledger.encoding import Value
from ledger.events import Payment
from ledger.generation import Commitments, ModelAdapter, WithheldSetting
from ledger.names import org_of

DISPUTED = "disputed"


class Parameters(Value, frozen=True, kw_only=True):
    """What the consortium has agreed on, in force from genesis."""

    block_transactions_max: int = 1_000
    block_bytes_max: int = 4 * 1024 * 1024
    transaction_fuel_max: int = 200_000
    valid_ms_max: int = 600_000
    """How far ahead `valid_until_ms` may lie."""
    clock_ahead_ms_max: int = 10_000
    """How far a block's time may lie ahead of a follower's clock."""
    open_reads: bool = False
    """Whether reading needs no session."""
    proposals_open_max: int = 8
    """Proposals of one org that may be open at the same time."""
    proposal_ms_max: int = 30 * 24 * 3_600_000
    """How far ahead a proposal may end."""
    rental_ms_max: int = 365 * 24 * 3_600_000
    """How far ahead a rental may end, so that no rental stands in for a sale to escape its royalty."""
    consent_ms_max: int = 90 * 24 * 3_600_000
    """How far ahead a listing, an offer or an auction may end, so that no word stands and no money waits for ever."""
    grant_ms_max: int = 365 * 24 * 3_600_000
    """How far ahead a grant may end."""
    dispute_hold_ms: int = 14 * 24 * 3_600_000
    """For how long an org's dispute counts for the rules; it is shown until it is settled."""


class Org(Value, frozen=True, kw_only=True):
    name: str
    title: str
    suspended: bool = False
    """Whether none of its accounts may sign and its vote does not count."""
    withdrawn_height: int | UnsetType = UNSET
    """Block in which it was last suspended."""
    proposals: tuple[str, ...] = ()
    """Ids of its proposals that are open, or ended without having been looked at since."""
    administered: bool = False
    """Whether it has an administrator, and so can vote unless it is suspended. An org that has one keeps one."""
    removed: bool = False
    """Whether it has left for good; it is suspended too."""
    nodes_added: int = 0
    """Nodes that its administrators have let in and not removed, and voters of the genesis that do not vote now."""
    policy: str | UnsetType = UNSET
    """`name@version` of the policy of all assets that its accounts created."""


OBSERVER, VOTER = "observer", "voter"


class NodeRecord(Value, frozen=True, kw_only=True):
    """A member's node. Its certificate's exact bytes are what peers trust; it never expires."""

    name: str
    org: str
    key: str
    certificate: str
    """Self-signed X.509, DER, hex."""
    role: str | UnsetType = UNSET
    """`observer` if it does not vote, `voter` if it was voted to; absent for one that votes since the genesis."""
    address: str | UnsetType = UNSET
    """host:port at which the other nodes reach it, unless their settings say otherwise; absent: only those say."""
    replaced_by: str | UnsetType = UNSET
    """The node that was voted to take this voter's place: its org may remove this one."""

    @property
    def votes(self) -> bool:
        """Whether the consortium means it to vote."""
        return self.role != OBSERVER


class AccountKey(Value, frozen=True, kw_only=True):
    """A key with its life, so that anybody can tell which signatures were good when."""

    public: str
    added_height: int | UnsetType = UNSET
    """Block that gave it to the account; absent: it has it since genesis."""
    revoked: bool = False
    revoked_height: int | UnsetType = UNSET
    """Block that took it away: the key is good up to the transaction that did, and never after."""
    lost: bool = False
    """Whether an administrator took it away, as when an account is recovered: what it bound the account to is void."""


class Account(Value, frozen=True, kw_only=True):
    name: str
    keys: tuple[AccountKey, ...]
    roles: tuple[str, ...] = ()
    suspended: bool = False
    withdrawn_height: int | UnsetType = UNSET
    """Block in which it was last suspended, or lost a role: what was decided for it up to then is void."""

    @property
    def keys_in_force(self) -> tuple[str, ...]:
        """The keys that are not revoked, oldest first."""
        return tuple(key.public for key in self.keys if not key.revoked)


class Model(Value, frozen=True, kw_only=True):
    model: str
    name: str
    version: str
    licence: str
    provider: str
    adapter: bool = False
    """Whether it is an adapter (LoRA) of models, and none itself."""


class Governing(Value, frozen=True, kw_only=True):
    """A policy that has a say about an asset, and the scope that it has it from."""

    scope: str
    """`consortium`, `organisation`, `collection` or `asset`."""
    policy: str
    """`name@version`."""


class Claim(Value, frozen=True, kw_only=True):
    """Another record of the same picture: one whose place was taken, or one that disputes this."""

    creator: str
    evidence: str
    transaction: str
    """The transaction that brought it, with all that it says."""
    height: int
    displaced: bool
    """Whether it was the record, until a better founded one came."""


class Disclosure(Value, frozen=True, kw_only=True):
    """Who may read the settings of a generation in clear, and who keeps them: one for all pictures of a request."""

    request: str
    creator: str
    generator: str
    """The account that recorded its pictures."""
    commitments: Commitments
    withheld: tuple[WithheldSetting, ...] = ()
    """Settings that not everybody may read; the others are public."""
    erased: tuple[str, ...] = ()
    """Settings that nobody may read or keep any more."""

    @property
    def public(self) -> frozenset[str]:
        """Settings that everybody may read who may read the chain."""
        return frozenset(self.commitments.fields()) - {one.field for one in self.withheld} - set(self.erased)

    def readable_by(self, account: str) -> frozenset[str]:
        """Settings that an account may read: what is public, what names it, and all of its own."""
        named = {one.field for one in self.withheld if account == self.creator or account in one.readers}
        return self.public | (named - set(self.erased))

    def kept_by(self, org: str) -> frozenset[str]:
        """Settings that an org's nodes keep: those that one of its accounts may read, or that its generator was told.

        Whoever operates such a node can read them too.
        """
        told = {self.creator, self.generator}
        kept = {one.field for one in self.withheld if org in {org_of(account) for account in (*told, *one.readers)}}
        return self.public | (kept - set(self.erased))


class Commitment(Value, frozen=True, kw_only=True):
    """What an account has said that it will register, by a digest that tells nobody what it is."""

    digest: str
    height: int
    until_ms: int


class OpenCommitments(Value, frozen=True, kw_only=True):
    open: tuple[Commitment, ...] = ()
    """Those that were neither followed by their registration nor found to have ended."""


class Asset(Value, frozen=True, kw_only=True):
    """A recorded picture, under the digest of its pixels."""

    id: str
    evidence: str
    """`generated` if a generator attests it, `declared` if only its registrant says so."""
    disputed_by: tuple[str, ...] = ()
    """Orgs that dispute it; while there are any, every answer says so. See `evidence_level`."""
    registrant: str
    """The account that recorded it: the generator, or whoever declared it."""
    creator: str
    creators: tuple[Share, ...]
    owner: str
    """The creator; once minted, the token's owner counts instead."""
    confidential: bool
    file_digest: str
    width: int
    height: int
    content: Content
    image_code: str | UnsetType = UNSET
    title: str | UnsetType = UNSET
    credit: str | UnsetType = UNSET
    """Whom to name where it is shown, as its registrant says."""
    similar: tuple[str, ...] = ()
    """Pictures of others, recorded before, that its registrant was told it is like."""
    mark: str | UnsetType = UNSET
    """Of the watermark in its pixels, in hex."""
    manifest: str | UnsetType = UNSET
    """Of the C2PA manifest that its file is released with."""
    source_type: str | UnsetType = UNSET
    """How it came about, as its registrant says; IPTC's word."""
    model: str | UnsetType = UNSET
    adapters: tuple[ModelAdapter, ...] | UnsetType = UNSET
    """What was added to the model."""
    request: str | UnsetType = UNSET
    index: int | UnsetType = UNSET
    commitments: Commitments | UnsetType = UNSET
    collection: str | UnsetType = UNSET
    policy: str | UnsetType = UNSET
    """`name@version` of its own policy, beside those of the broader scopes."""
    kept: tuple[Governing, ...] | UnsetType = UNSET
    """The policies of its org and collection when a token of it first left its creator's hands: those of its holders
    since. Later ones of that org and collection have no say about it."""
    held_until_ms: int | UnsetType = UNSET
    """Until when a dispute counts for the rules; afterwards only a vote keeps what is sold from its holder."""
    token: str | UnsetType = UNSET
    editions: int | UnsetType = UNSET
    """How many numbered tokens were minted, if it was not one without a number."""
    parents: tuple[str, ...] = ()
    """The assets it was made from; see its lineage."""
    depth: int = 0
    """How many generations of ancestors it has."""
    created_ms: int
    height_recorded: int
    transaction: str
    attested_by: str | UnsetType = UNSET
    """The generator's account, if it attested the asset after it had been declared."""
    attested_in: str | UnsetType = UNSET
    """The transaction that brought this attestation."""
    committed_height: int | UnsetType = UNSET
    """Block in which its registrant committed to it, since when the record counts."""
    claims: tuple[Claim, ...] = ()
    """Other records of the same picture, oldest first."""

    @property
    def adapters_used(self) -> tuple[ModelAdapter, ...]:
        """What was added to the model, if anything was."""
        return () if isinstance(self.adapters, UnsetType) else self.adapters

    @property
    def evidence_level(self) -> str:
        """What answers say of it: `disputed` while an org disputes it, else its evidence."""
        return DISPUTED if self.disputed_by else self.evidence

    def evidence_at(self, time_ms: int) -> str:
        """What rules see of it: a dispute counts for them until its hold has ended."""
        held = self.held_until_ms is not UNSET and time_ms < self.held_until_ms
        return self.evidence_level if held else self.evidence


class Collection(Value, frozen=True, kw_only=True):
    """Assets under one policy, whoever owns them."""

    name: str
    owner: str
    policy: str | UnsetType = UNSET
    """`name@version`."""


class Dispute(Value, frozen=True, kw_only=True):
    """An org's word against what is recorded of an asset; the newest of that org, open or not."""

    asset: str
    org: str
    account: str
    """Who spoke for the org."""
    reason: str
    evidence: str
    """Digest of what shows it, kept beside the chain."""
    opened_ms: int
    height: int
    status: str
    """`open`, `withdrawn` by the org, `dismissed` by vote, or `settled` as another record took the asset's place."""


class Token(Value, frozen=True, kw_only=True):
    id: str
    asset: str
    creator: str
    owner: str
    royalty: Royalty | UnsetType = UNSET
    sales: int = 0
    number: int | UnsetType = UNSET
    """Which of the numbered tokens of its asset, from 1."""
    policies: tuple[Governing, ...]
    """The policies in force when it was minted, by scope. No later policy takes more of its sales than these, and only
    one that its consortium votes, or its creators and holders agree on, takes less."""


class Rental(Value, frozen=True, kw_only=True):
    token: str
    user: str
    until_ms: int
    """From this block time on the account is no longer the user, whether or not the record still stands."""
    paid: bool = False
    """Whether the user paid for it. If so, a new owner ends it only with the user's signature."""
    owner: str
    key: str
    """The owner's key that gave it."""


class Offer(Value, frozen=True, kw_only=True):
    token: str
    buyer: str
    price: int
    currency: str
    until_ms: int
    terms: str | UnsetType = UNSET
    escrowed: int
    """What the buyer would have paid in all when the offer was made."""
    key: str
    """The key that gave it."""


class Auction(Value, frozen=True, kw_only=True):
    token: str
    seller: str
    reserve: int
    increment: int
    currency: str
    until_ms: int
    extension_ms: int
    policies: tuple[Governing, ...]
    """What governed the asset when it was opened, by scope; of these only the consortium's is replaced by a newer."""
    key: str
    """The key that opened it."""
    bidder: str | UnsetType = UNSET
    bidder_key: str | UnsetType = UNSET
    bid: int = 0
    terms: str | UnsetType = UNSET
    escrowed: int = 0

    @property
    def least(self) -> int:
        """The lowest bid that is taken next."""
        return self.reserve if self.bidder is UNSET else self.bid + self.increment


class Sale(Value, frozen=True, kw_only=True):
    """The newest sale of a token, while it may be undone."""

    token: str
    seller: str
    buyer: str
    currency: str
    payments: tuple[Payment, ...]
    refund: str
    """`reverse`: the royalty goes back too; `keep`: it stays with its payees."""
    until_ms: int


class Ancestor(Value, frozen=True, kw_only=True):
    asset: str
    depth: int
    """How many generations up it stands, by the shortest way."""
    direct_ppm: int = 0
    """What it is owed as a parent."""
    stacked_ppm: int
    """What it is owed along every way together."""


class Lineage(Value, frozen=True, kw_only=True):
    """What an asset was made from, with what each ancestor is owed; fixed when it was derived."""

    asset: str
    ancestors: tuple[Ancestor, ...] = ()
    """Nearest first, then by id."""
    derivatives: int = 0
    """How many assets were made from it."""


class Listing(Value, frozen=True, kw_only=True):
    token: str
    seller: str
    key: str
    """The key that gave it."""
    price: int
    currency: str
    until_ms: int


class Currency(Value, frozen=True, kw_only=True):
    currency: str
    decimals: int
    issuer: str
    supply: int = 0


class Grant(Value, frozen=True, kw_only=True):
    asset: str
    account: str
    until_ms: int
    granted_by: str
    key: str
    """The key that granted it."""
    record: str
    """The transaction that brought the record it is about; once another takes its place the grant is void."""
    policies: tuple[Governing, ...] | UnsetType = UNSET
    """If the account paid for it: what governed the asset then, and does for this account. It ends it with its
    signature only."""


class Licence(Value, frozen=True, kw_only=True):
    """What an account, or all of an org, may do with an asset: a fact for the rules, which say what it is worth."""

    id: str
    asset: str
    to: str
    """An account, or an org."""
    uses: tuple[str, ...]
    media: tuple[str, ...] = ()
    territories: tuple[str, ...] = ()
    until_ms: int | UnsetType = UNSET
    times: int | UnsetType = UNSET
    """How often it may be used."""
    used: int = 0
    exclusive: bool = False
    text: str | UnsetType = UNSET
    """SHA-256 of the contract in words."""
    granted_by: str
    key: str
    """The key that granted it."""
    record: str
    """The transaction that brought the record it is about; once another takes its place the licence is void."""
    height: int
    payer: str | UnsetType = UNSET
    """Who paid for it. It ends before its time with their signature only."""
    policies: tuple[Governing, ...] | UnsetType = UNSET
    """If somebody paid for it: what governed the asset then, and does for what is asked under it."""

    @property
    def left(self) -> int | None:
        """How often it may still be used; None without a bound."""
        return None if isinstance(self.times, UnsetType) else self.times - self.used


class LicenceOffer(Value, frozen=True, kw_only=True):
    """Licences of an asset that its owner offers to everybody at a price."""

    id: str
    asset: str
    uses: tuple[str, ...]
    media: tuple[str, ...] = ()
    territories: tuple[str, ...] = ()
    times: int | UnsetType = UNSET
    text: str | UnsetType = UNSET
    price: int
    currency: str
    until_ms: int
    """When the offer ends."""
    lasting_ms: int | UnsetType = UNSET
    """For how long a licence is in force from when it is bought."""
    offered_by: str
    key: str
    """The key that gave it."""
    record: str
    """The transaction that brought the record it is about."""


class Keeper(Value, frozen=True, kw_only=True):
    """An account that keeps shares of the consortium's key, or is to."""

    account: str
    holder_key: str
    """`threshold.HolderKey`, hex."""
    height: int
    """Block that gave it this key."""


class Holder(Value, frozen=True, kw_only=True):
    """A keeper in a ceremony, with the holder key that it had when that began."""

    keeper: str
    holder_key: str


class Dealt(Value, frozen=True, kw_only=True):
    """What a dealer said to all."""

    dealer: int
    """Its index, from 1."""
    dealing: str
    """`threshold.Dealing`, hex."""


class KeyCeremony(Value, frozen=True, kw_only=True):
    """The ceremony that is open."""

    id: str
    """The transaction that began it."""
    holders: tuple[Holder, ...]
    """From holder 1."""
    threshold: int
    former_epoch: int
    """Of the key that is shared anew; 0 if a new one is made."""
    deal_until_ms: int
    complain_until_ms: int
    dealings: tuple[Dealt, ...] = ()
    """In the order in which they came."""
    convicted: tuple[int, ...] = ()
    """Dealers who were shown to have lied."""
    confirmed: tuple[int, ...] = ()
    """Holders who have opened all dealings that count."""

    @property
    def good(self) -> tuple[int, ...]:
        """Indices of the dealers whose dealings count."""
        return tuple(sorted({one.dealer for one in self.dealings} - set(self.convicted)))


class SharedKey(Value, frozen=True, kw_only=True):
    """The consortium's key, as it is shared in an epoch."""

    epoch: int
    key: str
    """`threshold.ThresholdKey`, hex: what is the same in all epochs, and what the shares of this one fit."""
    threshold: int
    keepers: tuple[str, ...]
    """From holder 1."""
    lacking: tuple[str, ...] = ()
    """Those of them that did not confirm that they opened what they were dealt, and so may have no share."""
    ceremony: str
    height: int


class Viewing(Value, frozen=True, kw_only=True):
    """A request by which a node shows a confidential picture, marked with it: what a leaked copy leads to."""

    asset: str
    account: str
    """Who asked."""
    node: str
    """Which showed it."""
    transaction: str
    purpose: str
    height: int
    time_ms: int


class PolicyRecord(Value, frozen=True, kw_only=True):
    name: str
    version: int
    digest: str
    source: str
    publisher: str
    fuel: int
    """The most that its rules cost in one decision, with the condition of a royalty, as the checker proved."""


class StatementRecord(Value, frozen=True, kw_only=True):
    """A registered statement. What issuer and subject are is the registrant's word; the digest is in the log."""

    digest: str
    issuer: str
    subject: str
    registrant: str
    height: int


class ArchiveRecord(Value, frozen=True, kw_only=True):
    """A content archive, by the word of the org that keeps it. The root has the ids of all files in it."""

    piece: str
    """The piece commitment, 32 bytes in hex."""
    org: str
    root: str
    size: int
    """Bytes of the archive."""
    files: int
    place: str
    """Where the org keeps it, in words or as an address."""
    by: str
    """The account that said so last."""
    height: int
    """The block in which it did."""


def parameters_key() -> str:
    return "parameters"


def org_key(name: str) -> str:
    return f"org/{name}"


def node_key(name: str) -> str:
    return f"node/{name}"


def node_removed_key(name: str) -> str:
    """Under it stands when a node of this name was removed: nobody else takes the name."""
    return f"node_removed/{name}"


def node_name_key(key: str) -> str:
    """Leads from a node's key to its name; it stays when the node is removed."""
    return f"node_key/{key}"


def account_key(name: str) -> str:
    return f"account/{name}"


def model_key(digest: str) -> str:
    return f"model/{digest}"


def asset_key(pixel_digest: str) -> str:
    return f"asset/{pixel_digest}"


def commitments_key(account: str) -> str:
    """All open commitments of an account."""
    return f"commitments/{account}"


def collection_key(name: str) -> str:
    return f"collection/{name}"


def collection_asset_key(collection: str, asset: str) -> str:
    """Says since which block an asset is in a collection."""
    return f"collection_asset/{collection}/{asset}"


def dispute_key(pixel_digest: str, org: str) -> str:
    return f"dispute/{pixel_digest}/{org}"


FILE_PREFIX = "file/"


def file_key(file_digest: str) -> str:
    """Leads from the digest of a released file to its asset."""
    return f"{FILE_PREFIX}{file_digest}"


REQUEST_PREFIX = "request/"


def request_key(request: str, index: int) -> str:
    """Leads from one picture of a generation request to its asset, so that none is recorded twice."""
    return f"{REQUEST_PREFIX}{request}/{index}"


def disclosure_key(request: str) -> str:
    return f"disclosure/{request}"


def token_key(token: str) -> str:
    return f"token/{token}"


def listing_key(token: str) -> str:
    return f"listing/{token}"


def rental_key(token: str) -> str:
    return f"rental/{token}"


def offer_key(token: str, buyer: str) -> str:
    return f"offer/{token}/{buyer}"


def auction_key(token: str) -> str:
    return f"auction/{token}"


def escrow_of(key: str) -> str:
    """The account that holds the money of an offer or an auction; no key signs for it, for no name has a slash."""
    return f"escrow/{key}"


def sale_key(token: str) -> str:
    return f"sale/{token}"


def lineage_key(asset: str) -> str:
    return f"lineage/{asset}"


def currency_key(currency: str) -> str:
    return f"currency/{currency}"


BALANCE_PREFIX = "balance/"


def balance_key(account: str, currency: str) -> str:
    return f"{BALANCE_PREFIX}{account}/{currency}"


def grant_key(asset: str, account: str) -> str:
    return f"grant/{asset}/{account}"


def withdrawn_key(asset: str, account: str) -> str:
    """Says in which block an account last lost a grant, or a token, of a confidential asset."""
    return f"withdrawn/{asset}/{account}"


def policy_key(name: str, version: int) -> str:
    return f"policy/{name}/{version}"


LICENCE_PREFIX = "licence/"


def licence_key(licence: str) -> str:
    return f"{LICENCE_PREFIX}{licence}"


def licence_offer_key(asset: str, offer: str) -> str:
    return f"licence_offer/{asset}/{offer}"


def licensed_key(asset: str, licence: str) -> str:
    return f"licensed/{asset}/{licence}"


def exclusive_key(asset: str, licence: str) -> str:
    return f"exclusive/{asset}/{licence}"


def licensee_key(to: str, licence: str) -> str:
    return f"licensee/{to}/{licence}"


def statement_key(digest: str) -> str:
    return f"statement/{digest}"


ARCHIVE_PREFIX = "archive/"


def archive_key(piece: str, org: str) -> str:
    return f"{ARCHIVE_PREFIX}{piece}/{org}"


CEREMONY = "ceremony"
"""Key of the ceremony that is open."""
SHARED_KEY = "shared_key"
"""Key of the newest epoch of the consortium's key."""


def keeper_key(account: str) -> str:
    return f"keeper/{account}"


def shared_key_key(epoch: int) -> str:
    return f"shared_key/{epoch}"


VOTERS_CHANGED = "voters_changed"
"""Key of the height of the block that last changed who votes; absent while the genesis's nodes do."""
CONSORTIUM_POLICY = "consortium_policy"
"""Key of the `name@version` of the policy that binds every asset."""

SEEN_PREFIX = "seen/"


VIEWINGS = "viewings"
"""Key of the number of viewings that there were."""


def viewing_key(mark: str) -> str:
    """`Viewing`, by the mark in the picture that was shown, as 10 hex digits."""
    return f"viewing/{mark}"


def seen_key(valid_until_ms: int, transaction: str) -> str:
    """Marks a transaction's id as used. Sorted by the minute in which it can be forgotten."""
    return f"{SEEN_PREFIX}{valid_until_ms // 60_000:012d}/{transaction}"
