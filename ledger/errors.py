"""The permanent words for everything that can be refused, and the three kinds of failure that never mix.

A *refusal* (`LedgerError`) says that something was asked for that we do not do. An *outcome* is a code in a block,
for ever. A *bug* (`InvariantBroken`, raised by `ensure`) stops the node. Codes are never renamed or reused; the order
of the members is the order in which a transaction is checked, so the first that applies is the one reported.
"""

from __future__ import annotations

from enum import Enum

from contracts_vm.errors import InvariantBroken, ensure

__all__ = ["Code", "InvalidBlock", "InvariantBroken", "LedgerError", "ensure"]


class Code(Enum):
    """A refusal's word, with what it means for whoever meets it."""

    # The bytes of a transaction
    TOO_LARGE = "the body is larger than this chain's limit"
    MALFORMED = "the body is not a value of the documented shape"
    NOT_CANONICAL = "the body is valid JSON but not the one canonical spelling of its value"
    WRONG_CHAIN = "the transaction names another chain"
    SIGNATURE_MISSING = "a signer's signature is missing"
    SIGNATURE_EXTRA = "there are more signatures than signers"
    SIGNATURE_INVALID = "a signature does not verify under the key it is for"
    EXPIRED = "valid_until_ms has passed"
    VALID_TOO_LONG = "valid_until_ms lies further ahead than this chain allows"
    DUPLICATE = "a transaction with this id is already on the chain"
    # Whoever signs
    ACCOUNT_UNKNOWN = "no such account is enrolled"
    KEY_UNKNOWN = "the key is not one of the account's keys"
    KEY_REVOKED = "the key has been revoked"
    ACCOUNT_SUSPENDED = "the account is suspended"
    ORG_SUSPENDED = "the account's org is suspended"
    KEY_WEAK = "the public key is not a valid point of the main group"
    SIGNER_MISSING = "the action needs the signature of another account"
    ROLE_MISSING = "the signer does not hold the role that the action needs"
    # Members and parameters
    ORG_UNKNOWN = "no such org is a member"
    ORG_MISMATCH = "the account does not belong to the signer's org"
    ACCOUNT_EXISTS = "an account of this name is already enrolled"
    KEY_EXISTS = "the account has or had this key"
    KEYS_FULL = "the account has had as many keys as one may have"
    NODE_UNKNOWN = "there is no such node"
    NODE_EXISTS = "a node of this name or key is known already"
    NODE_CERTIFICATE_INVALID = "the certificate is not the one that a node with this key has"
    NODES_FULL = "the org has let in as many nodes as one may"
    NODE_VOTES = "the node is one of the voters"
    VOTERS_PENDING = "the voters change in this block already, and one node at a time"
    VOTERS_FULL = "there are as many voters as there may be"
    VOTERS_LAST = "the node is the only voter"
    ORG_REMOVED = "the org has left for good"
    LAST_KEY = "an account cannot give up its only key"
    ROLE_RESERVED = "the role is given by a vote of the consortium only"
    LOCKOUT = "an administrator cannot take this from itself, so that its org keeps one"
    NOTHING_TO_CHANGE = "what is asked for is so already"
    # Governance
    PROPOSAL_END_INVALID = "the proposal would end in the past, or later than this chain allows"
    PROPOSALS_FULL = "the org has as many proposals open as one may have"
    PROPOSAL_UNKNOWN = "no such proposal was made"
    PROPOSAL_DECIDED = "the proposal has passed or was rejected"
    PROPOSAL_ENDED = "the proposal's end has passed"
    VOTE_EXISTS = "the org has voted on the proposal"
    ORG_EXISTS = "an org of this name is a member already"
    ORGS_FULL = "the consortium has as many orgs as one may have"
    LAST_ORG = "the last org that can act cannot be suspended"
    QUORUM_LOST = "too few orgs with an administrator would be left to make a quorum ever again"
    ADMINISTRATOR_EXISTS = "the org has an administrator, who gives the role to others"
    ACTIVATION_INVALID = "the protocol version or the height of its activation does not hold"
    POLICY_PROPOSED_TWICE = "the proposal sets the consortium's policy more than once"
    REPLAY_INVALID = "the replay is not one of the policy that the proposal puts in force"
    CHANGE_FAILED = "a change does not hold on the state of this moment, so none was made"
    # Models and assets
    MODEL_UNKNOWN = "no model with this digest is registered"
    MODEL_EXISTS = "a model with this digest is already registered"
    ASSET_UNKNOWN = "no such asset is recorded"
    ASSET_EXISTS = "a picture with the same pixels is already recorded"
    COMMITMENT_UNKNOWN = "there is no such commitment from an earlier block that has not ended"
    COMMITMENT_EXISTS = "the account has made this commitment"
    COMMITMENTS_FULL = "the account has as many open commitments as one may"
    REQUEST_INVALID = "the creator's signed generation request does not hold"
    REQUEST_USED = "this picture of the generation request is already recorded"
    GENERATION_UNKNOWN = "no picture of this generation request is recorded"
    SETTING_UNKNOWN = "the generation commits to no such setting"
    SETTING_ERASED = "the setting was erased, so nobody may read it again"
    READERS_FULL = "the setting is open to as many accounts by name as may be"
    ATTESTATION_INVALID = "the generator's signed attestation does not hold"
    ATTESTATION_EXISTS = "a generator attests the asset already"
    CONTENT_INVALID = "the description of the content does not hold"
    CREATORS_INVALID = "the creators' weights do not make a whole"
    DISPUTE_EXISTS = "the org disputes the asset already"
    DISPUTE_UNKNOWN = "the org does not dispute the asset"
    DISPUTE_DISMISSED = "the consortium has dismissed this dispute"
    LINEAGE_FIXED = "what the asset was made from can no longer be said"
    LINEAGE_CYCLE = "an asset would be made from itself"
    LINEAGE_TOO_LARGE = "the lineage has too many generations, ancestors or payees, or owes more than everything"
    COLLECTION_UNKNOWN = "no such collection was created"
    COLLECTION_EXISTS = "a collection of this name exists"
    COLLECTION_FIXED = "which collection the asset is in can no longer be said"
    # The consortium's key
    KEEPER_UNKNOWN = "the account is no keeper of shares, or none in this ceremony"
    CEREMONY_OPEN = "the ceremony goes on, so what asks for its end has to wait"
    CEREMONY_UNKNOWN = "no such ceremony is open"
    CEREMONY_INVALID = "what was sent does not hold in this ceremony"
    CEREMONY_LATE = "the ceremony no longer takes messages of this kind"
    DEALING_EXISTS = "the dealer has dealt in this ceremony"
    COMPLAINT_INVALID = "the complaint does not show that the dealer lied"
    CONFIRMED_ALREADY = "the keeper has confirmed what it was dealt"
    # Ownership
    TOKEN_UNKNOWN = "no such token has been minted"
    TOKEN_EXISTS = "the asset already has a token"
    NOT_OWNER = "the signer does not own it"
    CREATOR_MISSING = "the asset's creator has not signed"
    HOLDER_MISSING = "somebody who holds a numbered token of the asset has not signed"
    ROYALTY_INVALID = "the royalty's terms do not hold"
    ROYALTY_OVER_CAP = "the royalty is above the cap of the policy in force"
    LISTING_UNKNOWN = "the token is not for sale"
    LISTING_EXPIRED = "the listing has ended"
    PRICE_CHANGED = "the listing's price is not the one the buyer signed"
    SELF_SALE = "buyer and seller are the same account"
    TOKEN_LISTED = "the token is listed for sale"
    TOKEN_AUCTIONED = "the token is being auctioned"
    TOKEN_RENTED = "the token is rented to an account that has not signed"
    CONSENT_ENDED = "the key that gave the standing word is revoked, or its account is suspended"
    END_INVALID = "the end lies in the past, or later than it may"
    TERMS_CHANGED = "the policies in force are not those that the buyer saw, or ask for more"
    TERMS_MISSING = "more is due than the action says, and it does not name the policies that ask for it"
    PRICE_TOO_LOW = "the royalty on the price would round to nothing"
    SOLD_TOGETHER = "what is priced in one transaction is valued together, and this part cannot bear its royalty"
    NOT_ALONE = "the action is no part of a transaction that pays otherwise too"
    OFFER_UNKNOWN = "there is no such offer"
    OFFER_ENDED = "the offer has ended"
    OFFER_OPEN = "the offer has not ended, so only its buyer takes it back"
    AUCTION_UNKNOWN = "the token is not being auctioned"
    AUCTION_ENDED = "the auction has ended"
    AUCTION_OPEN = "the auction has not ended, or has a bid, so it cannot be closed"
    BID_TOO_LOW = "the bid is below the reserve, or not enough above the highest"
    REFUND_UNKNOWN = "no sale of the token can be undone"
    REFUND_ENDED = "the time in which the sale could be undone has passed"
    # Money
    CURRENCY_UNKNOWN = "no such currency has been created"
    CURRENCY_EXISTS = "a currency with this code already exists"
    CURRENCY_MISMATCH = "the currencies differ, and nothing is converted implicitly"
    INSUFFICIENT_FUNDS = "the account's balance does not cover the amount"
    AMOUNT_OVERFLOW = "the amount would exceed the largest integer of the chain"
    SELF_PAYMENT = "payer and payee are the same account"
    # Rules and access
    POLICY_UNKNOWN = "no such policy version is published"
    POLICY_EXISTS = "this policy version is already published and cannot change"
    POLICY_INVALID = "the policy's source is refused by the rule language"
    POLICY_DENIED = "the policy in force does not permit the action"
    NOT_CONFIDENTIAL = "the asset's content is public, so there is no key to release"
    VIEWER_INVALID = "no node that shows pictures signed this reader key for this reader and asset"
    CUSTODIANS_FULL = "as many nodes hold the asset's key as may"
    CUSTODIAN_EXISTS = "the node holds the asset's key already, and nobody of its org has signed"
    GRANT_UNKNOWN = "there is no such grant"
    GRANT_PAID = "the account has paid for its grant, and has not signed"
    GRANT_ENDED = "the grant's end lies in the past"
    LICENCE_UNKNOWN = "there is no such licence"
    LICENCE_UNFIT = "the licence is not for this use, this asset or this account, or has ended"
    LICENCE_EXISTS = "the signer has made a licence with this nonce before"
    LICENCE_EXCLUSIVE = "one of two licences for the same would be exclusive"
    LICENCE_PAID = "somebody has paid for the licence, and has not signed"
    # Statements
    STATEMENT_EXISTS = "a statement with this digest is already registered"
    # Limits
    FUEL_EXHAUSTED = "the transaction spent more fuel than one may"
    EXECUTION_QUARANTINED = "executing the transaction breaks an invariant, so no block may carry it"


class Refused(Exception):
    """A refusal, whoever refused: the base of all of them. Show its text to whoever asked; nothing was changed."""


class LedgerError(Refused):
    """A refusal by the rules of the ledger. Its text names the rule, the fact and the fix."""

    def __init__(self, code: Code, detail: str) -> None:
        super().__init__(f"{code.name}: {detail}")
        self.code = code
        self.detail = detail


class InvalidBlock(Exception):
    """A received block that may not be endorsed. The proposer broke the protocol; nothing was changed here."""

    def __init__(self, height: int, reason: str) -> None:
        super().__init__(f"block {height}: {reason}")
        self.height = height
        self.reason = reason
