"""Conversations that etcd-io/raft recorded: which are replayed, which are not and why, and what came of them."""

from __future__ import annotations

from pathlib import Path

from replaying import Replay, Replayed
from steps import steps

CHANGES = "it changes who votes by entries of consensus; here its driver says who votes, by one at a time"
FORGETS = "a replica forgets its leader only when it stands"
FILES_OUTSIDE = {
    "campaign_learner_must_vote": CHANGES,
    "confchange_disable_validation": CHANGES,
    "confchange_v1_add_single": CHANGES,
    "confchange_v1_remove_leader": CHANGES,
    "confchange_v1_remove_leader_stepdown": CHANGES,
    "confchange_v2_add_double_auto": CHANGES,
    "confchange_v2_add_double_implicit": CHANGES,
    "confchange_v2_add_single_auto": CHANGES,
    "confchange_v2_add_single_explicit": CHANGES,
    "confchange_v2_replace_leader": CHANGES,
    "forget_leader": FORGETS,
    "forget_leader_read_only_lease_based": FORGETS,
    "snapshot_succeed_via_app_resp": "a node takes a snapshot from a peer before it takes part, not from its leader",
}
"""Recordings that are not replayed, by what they need."""
REPLAYED_UP_TO = {
    "prevote": (14, "then a node is elected while a leader lives; ours are silent to others while they hear a leader"),
    "slow_follower_after_compaction": (
        20,
        "then the leader sends a snapshot; here a follower takes from elsewhere what its leader does not keep",
    ),
}
"""Recordings that are replayed in part: how many of their directives, and why no more."""


def replayed(folder: Path) -> dict[str, Replayed]:
    """What came of every recording of a folder, by name."""
    found: dict[str, Replayed] = {}
    for file in sorted(folder.glob("testdata_*.txt")):
        name, directives = file.stem.removeprefix("testdata_"), steps(file.read_text(encoding="utf-8"))
        found[name] = Replayed(len(directives))
        end, _ = REPLAYED_UP_TO.get(name, (len(directives), ""))
        replay = Replay(found[name])
        for step in directives[: 0 if name in FILES_OUTSIDE else end]:
            replay.perform(step)
            found[name].ran += 1
    return found
