"""Writes docs/raft_conformance.md: which recorded cases of etcd-io/raft are replayed, and what holds each known bug.

    REMARQUE_CONFORMANCE=FOLDER python scripts/write_raft_conformance.py

FOLDER holds the recordings under `raft/`. What is left out is left out by what it needs, never by what came of it.
"""

import os
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "support")]

from recorded_conversations import CHANGES, FILES_OUTSIDE, REPLAYED_UP_TO, replayed
from recorded_quorums import NO_VOTERS, cases, committed, vote
from replaying import Replayed

PAGE = ROOT / "docs" / "raft_conformance.md"
CONVERSATIONS = ROOT / "tests" / "consensus" / "conversations"
NO_LEASES = "nobody holds a lease: a read that may miss nothing asks a majority"
NO_JOINT_SETS = "one set of voters is in force at a time, and no two are counted together"
NO_SNAPSHOTS = (
    "a leader sends no snapshot: a node that lacks pruned blocks fetches them, or a snapshot, before it starts"
)
BUGS = {
    1: ("LogCabin 44", "a leader took entries of older terms for committed by counting who has them"),
    2: ("etcd 7331, redisraft 22", "a new leader served reads before it had committed in its own term"),
    3: ("etcd 20418", "reads that a client named alike were confirmed for each other, and stale"),
    4: ("TiKV 4071, raft-rs 169", "pending reads were lost or dropped"),
    5: ("TiKV 964, SOFAJRaft 34", "a lease outlived leadership, and reads under it were stale"),
    6: ("openraft 1747", "reads were served while leadership was handed over"),
    7: ("raft-rs 141", "leases could be had without looking at the quorum"),
    8: ("etcd 8243", "votes and pre-votes of a node in a smaller term were ignored for ever"),
    9: ("etcd 8501, raft-rs 42", "a higher term with a shorter log, against a lower with a longer, elected nobody"),
    10: ("etcd 8334, raft-rs 83", "a pre-candidate kept its leader and old votes, and refused others"),
    11: ("openraft 1796", "refusals of pre-votes taught no term, and two halves blocked each other"),
    12: ("openraft 1839", "answers to a pre-vote that came late started another campaign of the leader"),
    13: ("canonical/raft 279", "as B8"),
    14: ("canonical/raft 386", "two leaders in one term"),
    15: ("HashiCorp 661", "term and vote were two writes"),
    16: ("PySyncObj 84", "term and vote were not written at all"),
    17: ("PySyncObj, async-raft, CCF 5991", "every append dropped what the follower held behind it"),
    18: ("CCF 6016", "a follower acknowledged its own last index, beyond what the append covered"),
    19: ("CCF 5927", "an old rejection was taken for a new one"),
    20: ("openraft, July and August 2026", "answers from before the follower's log changed were counted"),
    21: ("openraft 1802", "a scan without its sort took two of five for a majority"),
    22: ("openraft, raft-rs", "a wrong formula for a majority"),
    23: ("CCF 3948, 3837", "the majority of a union of configurations was counted"),
    24: ("CCF 5674", "a leader that stepped down lost committed entries"),
    25: ("CCF 4485", "a commit across terms lost the end of the older one"),
    26: ("CCF 5919", "a removed node stopped helping before its removal could commit"),
    27: ("etcd 7280", "a node campaigned with a configuration that was not the newest"),
    28: ("etcd 7625", "changes of membership that count when applied were unsound"),
    29: ("Ongaro, 2015", "two changes of one server at once made disjoint majorities"),
    30: ("etcd 10563, Redpanda 3055", "removals without a live majority blocked for ever"),
    31: ("etcd, 2019", "a joint configuration was not restored from a snapshot"),
    32: ("openraft 1808", "installing a snapshot kept a stale configuration"),
    33: ("async-raft 133, canonical/raft 250", "a snapshot was saved with a configuration that was not committed"),
    34: ("openraft 1892", "a snapshot of another term was accepted at a committed index"),
    35: ("openraft", "with a fully pruned log, an unknown follower was neither probed nor told"),
    36: ("etcd 10308", "a follower that had caught up was probed until the next write"),
    37: ("openraft", "a snapshot asked for while one was taken was forgotten"),
    38: ("raft-rs 214, openraft 471, etcd-io/raft 31", "zero stood for a missing term"),
    39: ("openraft 1805", "the target of a handover was elected before it had written the log"),
    40: ("raft-rs 165, Redpanda 8495", "one that does not vote campaigned or was made leader"),
    41: ("etcd, a370b6f", "a counter of uncommitted bytes drifted until all proposals were refused"),
    42: ("etcd 9982", "taking committed entries in parts lost some or went back"),
    43: ("etcd, raft-rs 372", "every heartbeat was written and synced"),
    44: ("HashiCorp 541", "too many messages under way made all of them slow"),
    45: ("etcd 14370", "a lone node acknowledged before its disk had the entry"),
    46: ("CockroachDB 37102", "a failed sync was tried again and seemed to succeed"),
    47: ("TiKV 994, etcd 13066", "a log that was not synced came back shorter than what was committed"),
    48: ("etcd 15247", "a leader that hangs in its disk led on"),
    49: ("openraft, etcd", "one place was probed after another, for hours"),
    50: (
        "etcd-io/raft 149 and 54, CockroachDB 63473",
        "next fell to match; what is in flight leaked; a cache kept old entries",
    ),
    51: ("all without pre-votes", "one-way and partial cuts caused elections without end"),
}
"""Where bugs of other implementations were found, and what happened; what is here is said below."""
ELSEWHERE = {
    2: (("tests/node/test_freshness.py", "nobody_is_ready_before_a_block_of_the_newest_term_is_final"),),
    5: (("simulator/invariants.py", "ready means fresh"),),
    14: (
        ("simulator/invariants.py", "a term has one leader"),
        ("simulator/invariants.py", "a node votes once in a term"),
    ),
    15: (("simulator/faults.py", "write torn"),),
    16: (("simulator/invariants.py", "a vote is on disk before it is given"),),
    20: (("tests/node/test_driver.py", "a_leader_drops_what_no_honest_follower_sends"),),
    21: (("tests/consensus/test_quorum.py", "a_leader_wants_certified_what_the_recorded_table_says_is_committed"),),
    22: (("tests/consensus/test_quorum.py", "a_vote_is_decided_exactly_when_the_silent_cannot_change_it"),),
    24: (("simulator/invariants.py", "what is final is on most disks"),),
    26: (("tests/node/test_changing_voters.py", "a_voter_endorses_its_own_removal_and_then_nothing_more"),),
    29: (
        ("tests/node/test_reconfiguring.py", "nothing_changes_before_a_block_of_the_leaders_term_is_final"),
        ("tests/ledger/test_voting.py", "one_node_at_a_time_in_a_proposal_and_in_a_block"),
        ("simulator/invariants.py", "one voter changes at a time"),
    ),
    30: (("tests/node/test_reconfiguring.py", "without_a_majority_of_the_new_voters_nothing_changes"),),
    32: (("tests/node/test_raft_log_store.py", "a_log_above_a_snapshot_knows_the_changes_of_voters_below_it"),),
    34: (
        ("tests/node/test_catching_up.py", "what_is_not_final_is_not_taken"),
        ("tests/node/test_joining.py", "every_manifest_that_is_not_of_a_final_block_of_this_chain_is_refused"),
    ),
    35: (("tests/node/test_joining.py", "a_voter_ends_once_its_leader_no_longer_keeps_what_it_lacks"),),
    46: (("simulator/faults.py", "sync failed"),),
    47: (("simulator/faults.py", "power cut"), ("simulator/invariants.py", "what is final is on most disks")),
    51: (
        ("tests/simulation/test_simulator.py", "a_node_that_was_cut_off_does_not_disturb_the_others_when_it_returns"),
        ("tests/simulation/test_simulator.py", "a_leader_that_reaches_no_majority_steps_down_and_the_others_go_on"),
    ),
}
"""What holds a bug besides conversations: a file, and a test, an invariant or a fault in it."""
NOT_HERE = {
    7: NO_LEASES,
    23: NO_JOINT_SETS,
    31: NO_JOINT_SETS,
    33: "a snapshot begins at a certified block, whose certificate makes its own change of voters final",
    37: NO_SNAPSHOTS,
    41: "no counter is kept: a leader looks at how many blocks are not final before it makes another",
}
"""Bugs that cannot be here, and why."""


def heads() -> dict[str, str]:
    """What each conversation is about, in its own words."""
    found = {}
    for file in sorted(CONVERSATIONS.glob("*.txt")):
        head, _, _ = file.read_text(encoding="utf-8").partition("\n\n")
        found[file.stem] = " ".join(line.removeprefix("# ") for line in head.splitlines())
    return found


def held(bug: int) -> list[str]:
    """What holds a bug."""
    about = {name for name, head in heads().items() if re.search(rf"\bB{bug}\b", head)}
    return [
        *(f"`{name}`" for name in sorted(about)),
        *(f"`{file}`: {what.replace('_', ' ')}" for file, what in ELSEWHERE.get(bug, ())),
    ]


def page(folder: Path) -> str:
    """The report."""
    parts = [INTRODUCTION, _conversations(replayed(folder)), _tables(folder), _bugs(), _heads()]
    return "\n\n".join(parts) + "\n"


def _conversations(found: dict[str, Replayed]) -> str:
    lines = [
        "| recording | directives | replayed | outcomes compared | different | left out, and why |",
        "|---|--:|--:|--:|--:|---|",
    ]
    for name, one in found.items():
        _, rest = REPLAYED_UP_TO.get(name, (0, ""))
        reason = FILES_OUTSIDE.get(name, rest)
        left_out = f"{one.directives - one.ran}: {reason}" if reason else ""
        lines.append(
            f"| {name} | {one.directives} | {one.ran} | {one.compared} | {len(one.differences)} | {left_out} |"
        )
    replays = found.values()
    sums = (
        sum(one.directives for one in replays),
        sum(one.ran for one in replays),
        sum(one.compared for one in replays),
        sum(len(one.differences) for one in replays),
    )
    lines.append(f"| **all** | {' | '.join(map(str, sums))} | |")
    return "\n".join(["## Recorded conversations", "", *CONDITIONS.splitlines(), "", *lines])


def _tables(folder: Path) -> str:
    lines = [
        "## Recorded tables",
        "",
        "| table | cases | run | different | left out, and why |",
        "|---|--:|--:|--:|---|",
    ]
    for name, judge in (("majority_commit", committed), ("majority_vote", vote)):
        found, total = cases(folder / f"quorum_testdata_{name}.txt")
        different = sum(len(set(judge(step))) > 1 for step in found)
        lines.append(f"| {name} | {total} | {len(found)} | {different} | {total - len(found)}: {NO_VOTERS} |")
    outside = [*folder.glob("quorum_testdata_joint_*.txt"), *folder.glob("confchange_testdata_*.txt")]
    for file in sorted(outside):
        total = cases(file)[1]
        lines.append(f"| {file.stem.replace('_testdata', '')} | {total} | 0 | 0 | {total}: {CHANGES} |")
    return "\n".join(lines)


def _bugs() -> str:
    lines = [
        "## Known bugs",
        "",
        *BUGS_ARE.splitlines(),
        "",
        "| | found in | what happened | here |",
        "|---|---|---|---|",
    ]
    for bug, (where, what) in BUGS.items():
        here = "; ".join(held(bug)) or f"cannot be: {NOT_HERE[bug]}"
        lines.append(f"| B{bug} | {where} | {what} | {here} |")
    return "\n".join(lines)


def _heads() -> str:
    lines = ["## Conversations", "", "| conversation | about |", "|---|---|"]
    return "\n".join([*lines, *(f"| `{name}` | {head} |" for name, head in heads().items())])


INTRODUCTION = """\
# Conformance of consensus

Written by `scripts/write_raft_conformance.py`; a test compares it where the recordings are. The recordings are those of
etcd-io/raft at cdfbeed that we have. Our own conversations are the text files of `tests/consensus/conversations/`."""
CONDITIONS = """\
Directives are replayed with replicas of `consensus`; compared is what came of them: who leads which term, term and vote
on disk, role, leader, logs, what is final, and what a leader knows of its followers (match, next, messages under way,
probing or not). Lines are not compared, for messages differ on purpose: a commit is a certificate and not an index, one
message is both heartbeat and append, and there is no `Ready` to collect what a step gives. A recording without pre-vote
is replayed without it. Where followers learn there at once what is final, here the last that answers a new leader
learns it with the next heartbeat, which is therefore sent before they are compared."""
BUGS_ARE = """\
Numbers are those of issues and pull requests of the projects named. A name alone is a conversation of ours."""


if __name__ == "__main__":
    PAGE.write_text(page(Path(os.environ["REMARQUE_CONFORMANCE"]) / "raft"), encoding="utf-8")
