"""Installing a snapshot: a store of its own is filled and checked, and takes the place of the old one.

Two renames do that, each of a directory that is complete. Wherever a node is killed, its next start finishes what can
be finished and throws the rest away.
"""

from __future__ import annotations

import shutil
from contextlib import closing
from pathlib import Path

from ledger.encoding import decode
from ledger.snapshot import Manifest, SnapshotRefused
from ledger.state_tree import root_hash
from node.snapshots.snapshots import MANIFEST, SNAPSHOTS, read_entries
from node.storage.raft_log_store import RaftLogStore
from node.storage.state_store import Base, StateStore
from remarque.errors import NodeError

JOIN = "join"
"""Directory, in the data directory, of a snapshot that is being fetched."""


def install(place: Path, manifest: Manifest, data: Path) -> None:
    """Make a snapshot the state of a data directory that holds no chain. SnapshotRefused leaves it as it was."""
    fill(data / "state.new", place, manifest)
    finish_install(data)


def fill(new: Path, place: Path, manifest: Manifest) -> None:
    """Make a store of a snapshot, in a directory of its own. SnapshotRefused if it is not what its manifest says."""
    shutil.rmtree(new, ignore_errors=True)
    with closing(StateStore(new)) as state:
        tree = state.fill(read_entries(place, manifest))
        if root_hash(tree).hex() != manifest.header.state_root:
            raise SnapshotRefused("its entries do not make the state root of its header")
        peaks = tuple(bytes.fromhex(peak) for peak in manifest.peaks)
        state.begin(Base(manifest.header, peaks, manifest.epochs), manifest.certificate)


def finish_install(data: Path) -> None:
    """Put a store that was filled in its place, if there is one; what was cut off before that is thrown away."""
    new = data / "state.new"
    if new.exists():
        base = _base_of(new, data)
        if base is None:
            shutil.rmtree(new)
            return
        fresh = data / "log.new"
        with closing(RaftLogStore(fresh)) as raft_log:
            if raft_log.base != base.header.height:
                with closing(RaftLogStore(data / "log")) as old:
                    promised = old.hard_term, old.hard_vote
                    raft_log.begin(base.header.height, base.header.term, base.epochs, *promised)
        _replace(fresh, data / "log")
        _replace(new, data / "state")
    _keep_snapshot(data)


def _base_of(new: Path, data: Path) -> Base | None:
    """Where a store that was filled begins; None if it was not filled to the end, or is torn and may be."""
    try:
        with closing(StateStore(new)) as state:
            return state.base
    except NodeError:
        if not (data / "log").exists() or not (data / "state").exists():
            raise
        return None


def _keep_snapshot(data: Path) -> None:
    """Keep the snapshot that was installed: whatever runs the chain again, such as an audit, starts with it."""
    place = data / JOIN
    if not (data / "state").exists() or not (place / MANIFEST).exists():
        return
    with closing(StateStore(data / "state")) as state:
        base = state.base
    manifest = decode((place / MANIFEST).read_bytes(), Manifest)
    if base is not None and base.header == manifest.header:
        kept = data / SNAPSHOTS / str(manifest.header.height)
        shutil.rmtree(kept, ignore_errors=True)
        kept.parent.mkdir(exist_ok=True)
        place.rename(kept)


def _replace(new: Path, old: Path) -> None:
    """Put a directory in another's place. Cut off in between, the new one is still there to be put."""
    shutil.rmtree(old, ignore_errors=True)
    new.rename(old)
