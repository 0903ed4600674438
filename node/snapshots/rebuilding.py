"""Rebuilding a node's state from a snapshot of its own, after a power cut took from the disk what was not synced.

The state is written without sync, and run again from the Raft log. What the log has no longer, because it was pruned,
is in the snapshot behind which that was done: a snapshot is on the disk, whole, before anything is pruned.
"""

from __future__ import annotations

import shutil
from contextlib import closing
from pathlib import Path

from ledger.genesis import Genesis
from ledger.recovery import Recoveries
from ledger.snapshot import SnapshotRefused
from node.ground.logs import logger
from node.snapshots.installing import fill
from node.snapshots.snapshots import SNAPSHOTS, oldest_above
from node.storage.raft_log_store import RaftLogStore
from node.storage.state_store import StateStore
from remarque.errors import NodeCode, NodeError

REBUILT = "state.rebuilt"
"""Directory, in the data directory, of a state that is being filled; it is complete once there is no other."""


def rebuild_if_lost(data: Path, genesis: Genesis, recoveries: Recoveries) -> None:
    """Give a data directory whose state is older than what its Raft log begins with that of its oldest snapshot above.

    It then is as if it had joined at that height. DATA_CORRUPT if it has no such snapshot that holds.
    """
    if not (data / "log").exists():
        return
    if (data / REBUILT).exists() and not (data / "state").exists():
        (data / REBUILT).rename(data / "state")
    with closing(RaftLogStore(data / "log")) as raft_log:
        with closing(StateStore(data / "state")) as state:
            lost, base = max(state.applied, 0), raft_log.base  # an empty one is made of genesis
        if lost >= base:
            return
        logger.warning("state_lost", height=lost, blocks_above=base)
        try:
            place, manifest = oldest_above(data / SNAPSHOTS, base, genesis, recoveries)
            fill(data / REBUILT, place, manifest)
        except (NodeError, SnapshotRefused, OSError) as error:
            detail = f"the state in {data} is of block {lost}, the blocks below {base} are pruned, and {error}"
            raise NodeError(NodeCode.DATA_CORRUPT, f"{detail}; join as a new node") from None
        raft_log.prune(manifest.header.height)
    shutil.rmtree(data / "state")
    (data / REBUILT).rename(data / "state")
    logger.info("state_rebuilt", height=manifest.header.height)
