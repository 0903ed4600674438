"""How far a node and its chain are: health, status, checkpoint, blocks and events."""

from __future__ import annotations

from msgspec import UNSET, UnsetType

from ledger.block import Certificate, Header
from ledger.events import AnyEvent
from ledger.recovery import Recovery
from remarque.api.shapes import Answer


class Live(Answer, frozen=True, kw_only=True):
    """That the process lives."""

    live: bool


class Readiness(Answer, frozen=True, kw_only=True):
    """Whether a node takes requests."""

    ready: bool
    leader: str
    """Node that leads; empty while none is known."""
    height: int
    """Of the newest final block."""
    behind: int
    """Final blocks that the leader has told of and this node lacks."""


class ProtocolAhead(Answer, frozen=True, kw_only=True):
    """A version of the rules of execution that was voted and is not in force yet."""

    version: int
    height: int
    """The first block under it."""
    known: bool
    """Whether this node's software has it; a node that has not stops there."""


class ProtocolStatus(Answer, frozen=True, kw_only=True):
    """Versions of the rules of execution."""

    in_force: int
    known: tuple[int, ...]
    """Those that this node's software has."""
    ahead: ProtocolAhead | UnsetType = UNSET


class Status(Answer, frozen=True, kw_only=True):
    """What a node is doing."""

    chain: str
    node: str
    role: str
    """`leader`, `follower`, `pre-candidate` or `candidate`; a node that does not vote follows."""
    leader: str
    """Node that leads; empty while none is known."""
    term: int
    height: int
    """Of the newest final block."""
    hash: str
    """Of that block."""
    tip: int
    """Height of the newest block that is here, final or not."""
    oldest: int
    """Blocks above this height are kept; 0: all of them."""
    recoveries: int
    """How often the chain went on without a majority of its voters."""
    protocol: ProtocolStatus


class Checkpoint(Answer, frozen=True, kw_only=True):
    """The newest certified header."""

    header: Header
    hash: str
    certificate: Certificate | UnsetType = UNSET
    """Absent for the genesis block, which nobody certifies."""
    recoveries: tuple[Recovery, ...] | UnsetType = UNSET
    """Those of the chain, if there were any."""


class BlockTransaction(Answer, frozen=True, kw_only=True):
    """A transaction of a block, in short."""

    transaction: str
    """Its id."""
    actions: tuple[str, ...]
    """Names of what it asked for, such as `token.mint`."""
    code: str
    """Of its outcome."""


class BlockView(Answer, frozen=True, kw_only=True):
    """A block, and what each of its transactions did."""

    header: Header
    hash: str
    transactions: tuple[BlockTransaction, ...]


class ChainEvent(Answer, frozen=True, kw_only=True):
    """Something that happened, as the feed of events tells it."""

    transaction: str
    """Id of the transaction that did it."""
    height: int
    event: AnyEvent
