"""Where an org keeps copies of content, and how they are."""

from __future__ import annotations

from ledger.records import ArchiveRecord
from remarque.api.shapes import Answer, Body, Page


class DepotState(Answer, frozen=True, kw_only=True):
    """A depot beside the node's own blockstore."""

    depot: str
    kind: str
    """`folder`, `objects` or `ipfs`."""
    when: str
    """`at_once`, before a member who stores a file is answered, or `later`, once it is recorded."""
    what: str
    """`own`: what this org's accounts created or own; or `all`."""
    files: int
    """Copies that are there."""
    size: int
    """Their bytes; of copies that were found there, once they have been read."""
    wanted: int
    """Copies that are not there yet, or no longer."""
    fault: str = ""
    """Why it did not do what it was asked last; empty if it did."""


class CopiesState(Answer, frozen=True, kw_only=True):
    """How a node's copies are."""

    node: str
    depots: tuple[DepotState, ...]
    pinned: int
    """Files that are kept whatever becomes of their records."""


class FileCopy(Answer, frozen=True, kw_only=True):
    """A file in a depot."""

    depot: str
    there: bool
    """Whether it was there when the node last looked."""
    at_ms: int
    """When that was; if it is not there, from when on it is tried again."""


class FileCopies(Answer, frozen=True, kw_only=True):
    """Where a file is."""

    cid: str
    node: str
    here: bool
    """Whether this node has it whole."""
    copies: tuple[FileCopy, ...]
    members: tuple[str, ...]
    """Other nodes that give its first block now, each held against its id."""
    archives: tuple[ArchiveRecord, ...]
    """Content archives that have it, by the word of the orgs that keep them."""


class ArchivesPage(Page, frozen=True, kw_only=True):
    """Content archives, by piece and org."""

    archives: tuple[ArchiveRecord, ...]


class StoredDirectory(Answer, frozen=True, kw_only=True):
    """A content archive's directory, which is kept for a record to come."""

    root: str
    """What `content.archive` names it by."""
    files: int


class AskCopies(Body, frozen=True, kw_only=True):
    """What is to be done about copies."""

    repair: bool = False
    """Try all that is wanted now, whatever failed before."""
    scrub: bool = False
    """Read every copy again."""
