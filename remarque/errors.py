"""What is refused beside what the ledger refuses, and how a program meets it.

    Refused                   the base of all refusals (`ledger.errors`)
      RemarqueError           a node refused what a client asked, or an outcome on the chain does; or the client, before
                              it asked anything: all that a client's methods refuse with, but for the three below
        Pending               a transaction was sent, and nobody has said yet what became of it
      NodeError               this side refused: a key file, a draft, a genesis that cannot be used; inside a node
                              everything that it refuses by itself
      LedgerError             the rules of the ledger refused on this side: a draft that is signed by a stranger, …
      ReceiptRefused, StateAnswerRefused, ConsistencyRefused, CoseRefused, RecoveryRefused
                              what a node brought, or a file holds, does not prove what it says: trust nothing in it
      SealBroken              a key or content does not open

A client that reaches no node raises `ConnectionError`: nothing is refused, and nothing was sent.

The catalogue holds the codes that a node refuses with by itself. Every refusal reaches a client as problem+json
(RFC 9457) with the permanent code word in `code`. docs/errors.md is checked against this catalogue and the ledger's by
a test.
"""

from __future__ import annotations

from enum import Enum

from ledger.errors import Code, Refused
from ledger.receipt import Receipt
from ledger.transaction import SignedTransaction


class NodeCode(Enum):
    """A refusal of the node: its meaning and the HTTP status it is told with."""

    # Requests
    REQUEST_MALFORMED = ("the request is not of the documented shape", 400)
    BODY_TOO_LARGE = ("the request's body is larger than this node takes", 413)
    ROUTE_UNKNOWN = ("there is no such route", 404)
    METHOD_NOT_ALLOWED = ("the route does not take this method", 405)
    NOT_FOUND = ("nothing is recorded under this name", 404)
    BLOCK_PRUNED = ("this node does not keep blocks that old", 410)
    SESSION_REQUIRED = ("reading this chain needs a member's session, or a signed request", 401)
    SESSION_INVALID = ("the session has ended, or the challenge was not signed by one of the account's keys", 401)
    REQUEST_SIGNATURE_INVALID = ("the request's signature does not hold here and now", 401)
    CONTENT_DIGEST_INVALID = ("the body is not the one that the request's Content-Digest names", 400)
    # Commands
    COMMAND_MALFORMED = ("the command is not given as its --help says", 400)
    NODE_UNREACHED = ("no node answers", 503)
    FILE_EXISTS = ("a file is overwritten only when that is asked for", 409)
    # The cluster's condition
    OVERLOADED = ("the node is doing as much of this as it can", 503)
    MEMPOOL_FULL = ("more transactions wait than this node keeps", 503)
    ACCOUNT_BUSY = ("the account has as much under way as one may have", 429)
    NOTHING_CERTIFIED = ("this node holds no certificate for its newest state yet, so it cannot prove it", 503)
    INDEX_LOADING = ("the index of image codes is still being filled after the start", 503)
    HEIGHT_UNCERTIFIED = ("this node holds no certificate for exactly this height", 404)
    HEIGHTS_REVERSED = ("a proof leads from a height to the same or a higher one", 422)
    HEIGHT_NOT_REACHED = ("this node is not as far as was asked for, and did not come there in time", 503)
    NO_LEADER = ("no leader is known, so nothing can be committed now", 503)
    VOTERS_NOT_READY = ("the cluster would not go on with these voters now, so they are not changed", 409)
    VOTES_AWAITED = ("too few orgs have voted yet", 409)
    COMMIT_TIMEOUT = ("the transaction was taken but not committed in time; it may still be", 504)
    SIMILAR_RECORDED = ("others have recorded pictures that this one is like", 409)
    RANGE_INVALID = ("the file has no such part", 416)
    UPLOAD_OFFSET = ("another piece of the upload comes next", 409)
    UPLOADS_FULL = ("more was stored here than may wait for a record", 429)
    DEPOT_FAILED = ("a depot that is to have a copy at once did not take it", 503)
    DISK_FULL = ("the disk is full, so nothing new is taken", 507)
    SHUTTING_DOWN = ("the node is shutting down", 503)
    # Statements
    STATEMENT_INVALID = ("the signed statement does not hold, or not under this node's registration policy", 400)
    MEDIA_TYPE_UNSUPPORTED = ("the body is of another media type than the route takes", 415)
    REGISTRAR_ABSENT = ("this node registers no statements", 503)
    REGISTRATION_RUNNING = ("the statement was taken, and is not registered yet", 302)
    # Pictures and content
    IMAGE_UNREADABLE = ("the file is not a picture this node can read", 422)
    IMAGE_TOO_LARGE = ("the picture has more bytes or pixels than this node takes", 413)
    IMAGE_TOO_COSTLY = ("decoding the picture takes more time or memory than this node gives one", 422)
    URL_REFUSED = ("the address is not one that this node fetches pictures from", 422)
    URL_FAILED = ("nothing could be fetched from the address", 422)
    NOT_SIGNED = ("no manifest could be signed for the file", 422)
    NOT_LABELLED = ("the file takes no marks as they were asked for", 422)
    MANIFEST_MISSING = ("no node that answers has the manifest of this file, or it is not signed yet", 503)
    TIMESTAMP_INVALID = ("no request for a time-stamp was brought", 422)
    TIMESTAMPS_ABSENT = ("this node stamps no times", 503)
    DECODER_FAILED = ("the process that decoded the picture ended before it answered", 503)
    METADATA_UNCONFIRMED = (
        "the file says more than its pixels, and nobody confirmed that members may read it",
        400,
    )
    CONTENT_MISSING = ("no reachable node holds this content", 404)
    CONTENT_NOT_CACHED = ("what is here at once was asked for, and this is not", 412)
    FORMAT_UNSERVED = ("none of the formats that were asked for is served", 406)
    OPENINGS_FALSE = ("a setting is not the one that its creator committed to", 422)
    ARCHIVE_UNREADABLE = ("what was named is no content archive, or cannot be read in parts", 422)
    CONTENT_MISMATCH = ("the bytes are not those the content id names", 422)
    NOT_CUSTODIAN = ("no reachable node can open this asset's key", 503)
    KEEPERS_TOO_FEW = ("fewer keepers of the consortium's key answered than open this asset's key together", 503)
    VIEWER_ABSENT = ("this node shows no confidential pictures", 503)
    RELEASE_DENIED = ("the chain holds no decision that allows this release", 403)
    # Generation
    GENERATION_INVALID = ("the generation request does not hold", 422)
    GENERATOR_ABSENT = ("this node has no generator", 503)
    GENERATION_QUEUE_FULL = ("more generations wait than this node queues", 503)
    MODEL_MISMATCH = ("the model's files are not those that are registered", 503)
    MODEL_NOT_LOADED = ("no generator of this node has the model", 404)
    GENERATION_FAILED = ("the generator failed", 500)
    GENERATION_CANCELLED = ("the generation was withdrawn by its creator", 409)
    NOT_A_WORKER = ("only generators of the node's own org are given its work", 403)
    WORK_LOST = ("the work is not this worker's, or not any more", 409)
    # Governing and signing together
    PROTOCOL_UNKNOWN = ("the protocol version is not known to this software", 409)
    DRAFT_INVALID = ("the file is no transaction to be signed", 422)
    POLICY_FILE_INVALID = ("the cases of a policy's file cannot be read or run", 422)
    # Starting and setting up
    CONFIG_INVALID = ("the configuration does not hold", 400)
    KEY_UNREADABLE = ("the key file cannot be used", 400)
    KEY_FILE_EXISTS = ("a key file is never overwritten", 409)
    KEY_EXPOSED = ("others than its owner may read the key file", 400)
    PASSPHRASE_NEEDED = ("the key file is encrypted, and no passphrase was given", 400)
    PASSPHRASE_WRONG = ("the passphrase does not open the key file", 400)
    GENESIS_MISMATCH = ("the genesis is not the one this data directory was made for", 409)
    DATA_DIRECTORY_MISSING = ("the data directory was wiped or never made", 409)
    DATA_DIRECTORY_CLONED = ("the data directory was copied from another place", 409)
    DATA_DIRECTORY_LOCKED = ("another process uses the data directory", 409)
    DATA_DIRECTORY_EXISTS = ("the directory holds a node already", 409)
    DATA_FORMAT_UNKNOWN = ("the data directory was written by another version", 409)
    DATA_CORRUPT = ("what the disk holds is not what was written", 500)
    BACKUP_INVALID = ("the backup does not hold, or is not of this chain", 409)
    RECOVERY_INVALID = ("the recovery does not hold, or not for this node", 409)
    EVIDENCE_BELOW_START = ("a receipt lies below the block that the chain is told from, so it cannot be compared", 409)
    NODE_REMOVED = ("the node was removed from the consortium", 409)
    LOG_LOST = ("the node has less of the log than it has endorsed", 409)
    PORT_TAKEN = ("another process listens on the address", 409)
    ANSWER_UNREADABLE = ("a node's answer is not of the documented shape", 502)
    INTERNAL = ("a fault of the node's own; it was logged", 500)

    @property
    def meaning(self) -> str:
        return str(self.value[0])

    @property
    def status(self) -> int:
        return int(self.value[1])


class RemarqueError(Refused):
    """A refusal that a client met, by a node or by the ledger. Its text names the rule, the fact and the fix.

    Codes are text here, because a node may be newer and know more of them; docs/errors.md lists those of this version.
    """

    def __init__(self, code: str, detail: str, status: int = 0, receipt: Receipt | None = None) -> None:
        super().__init__(f"{code}: {detail}")
        self.code = code
        """A permanent word, such as `POLICY_DENIED`."""
        self.detail = detail
        self.status = status
        """HTTP status; 0 where the refusal is an outcome on the chain, or nothing was asked."""
        self.receipt = receipt
        """Of the transaction, if the refusal is its outcome: it is final, and the same transaction stays refused."""


class Pending(RemarqueError):
    """Nobody has said what became of a transaction, or of those of a batch: they may be committed already, or still be.

    Send `signed` again by `send`, or `batch` by `send_batch`, to any node, until there is an answer: each is committed
    once. A new transaction that asks for the same would be another one, and might be committed too.
    """

    def __init__(self, batch: tuple[SignedTransaction, ...], detail: str) -> None:
        super().__init__(NodeCode.COMMIT_TIMEOUT.name, detail, NodeCode.COMMIT_TIMEOUT.status)
        self.batch = batch
        """All that were sent, in order; one where one was."""

    @property
    def signed(self) -> SignedTransaction:
        """The transaction that was sent; of a batch, its first."""
        return self.batch[0]


class NodeError(Refused):
    """A refusal on this side: by a node, or where a file cannot be used. It names the rule, the fact and the fix."""

    def __init__(self, code: NodeCode, detail: str, retry_after: int | None = None) -> None:
        super().__init__(f"{code.name}: {detail}")
        self.code = code
        self.detail = detail
        self.retry_after = retry_after
        """Seconds after which trying again makes sense."""


_STATUS = {
    Code.TOO_LARGE: 413,
    Code.DUPLICATE: 409,
    Code.STATEMENT_EXISTS: 409,
    Code.ACCOUNT_UNKNOWN: 403,
    Code.KEY_UNKNOWN: 403,
    Code.KEY_REVOKED: 403,
    Code.ACCOUNT_SUSPENDED: 403,
    Code.ORG_SUSPENDED: 403,
    Code.SIGNATURE_MISSING: 403,
    Code.SIGNATURE_EXTRA: 403,
    Code.SIGNATURE_INVALID: 403,
    Code.ASSET_UNKNOWN: 404,
    Code.TOKEN_UNKNOWN: 404,
    Code.COLLECTION_UNKNOWN: 404,
    Code.POLICY_UNKNOWN: 404,
    Code.POLICY_DENIED: 403,
}


def status_of(code: Code) -> int:
    """HTTP status a ledger refusal is told with when it is refused before any block."""
    return _STATUS.get(code, 422 if code not in (Code.MALFORMED, Code.NOT_CANONICAL) else 400)
