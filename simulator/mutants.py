"""Bugs, planted one at a time: what `simulator.mutating` breaks, to see whether the simulator and the tests notice.

Each is one that an implementation of consensus had, or one that a hand slips into: a condition left out, a bound off by
one, an order turned around. Each breaks a promise of safety, of liveness, of durability, or never to accuse the honest.
"""

from __future__ import annotations

from typing import NamedTuple


class Mutant(NamedTuple):
    """One bug."""

    file: str
    name: str
    breaks: str
    """What it does, in a line."""
    old: str
    """Stands exactly once in the file."""
    new: str

    @property
    def simulated(self) -> bool:
        """Whether something in the simulator would meet it."""
        return not self.file.startswith(UNREACHED) and self.name not in UNMET


TESTS: dict[str, tuple[str, ...]] = {
    "consensus/replica.py": ("tests/node/test_driver.py",),
    "consensus/replication.py": ("tests/node/test_following.py",),
    "node/ordering/": ("tests/node/test_driver.py",),
    "node/ordering/inspection.py": ("tests/node/test_inspection.py",),
    "node/ordering/certifying.py": ("tests/node/test_inspection.py", "tests/node/test_peer_streams.py"),
    "node/ordering/forwarding.py": ("tests/node/test_forwarding.py",),
    "node/ordering/freshness.py": ("tests/node/test_freshness.py",),
    "node/ordering/mempool.py": ("tests/node/test_mempool.py",),
    "node/ordering/reach.py": ("tests/node/test_reach.py",),
    "node/ordering/reconfiguring.py": ("tests/node/test_reconfiguring.py",),
    "node/ordering/proposer.py": ("tests/node/test_changing_voters.py",),
    "node/ordering/driver.py": ("tests/node/test_changing_voters.py", "tests/simulation/test_changing_voters.py"),
    "node/storage/raft_log_store.py": ("tests/node/test_raft_log_store.py", "tests/node/test_rebuilding.py"),
    "node/storage/state_store.py": (
        "tests/node/test_thinning.py",
        "tests/node/test_reading.py",
        "tests/node/test_layers.py",
        "tests/node/test_rebuilding.py",
    ),
    "node/chain/": (
        "tests/node/test_chain.py",
        "tests/node/test_voter_sets.py",
        "tests/node/test_changing_voters.py",
        "tests/node/test_layers.py",
        "tests/node/test_following.py",
        "tests/node/test_catching_up.py",
        "tests/node/test_reading.py",
        "tests/node/test_thinning.py",
        "tests/node/test_rebuilding.py",
    ),
    "node/snapshots/recovering.py": ("tests/node/test_recovering.py",),
    "node/snapshots/catching_up.py": ("tests/node/test_catching_up.py",),
    "node/snapshots/following.py": ("tests/node/test_following.py",),
    "node/snapshots/joining.py": ("tests/node/test_joining.py",),
    "node/snapshots/rebuilding.py": ("tests/node/test_rebuilding.py",),
    "node/peers/network.py": ("tests/node/test_peer_streams.py",),
    "ledger/execution/voting.py": ("tests/ledger/test_voting.py",),
    "ledger/succession.py": ("tests/ledger/test_voting.py", "tests/node/test_voter_sets.py"),
    "ledger/epochs.py": ("tests/ledger/test_epochs.py", "tests/ledger/test_voting.py", "tests/node/test_voter_sets.py"),
}
"""Tests of the unit that a file belongs to, by the beginning of its name: those of every beginning that fits."""

UNREACHED = (
    "node/snapshots/recovering.py",
    "node/snapshots/rebuilding.py",
    "node/snapshots/joining.py",
    "node/chain/thinning.py",
    "node/peers/",
)
"""Where nothing runs in the simulator."""

UNMET = frozenset(
    {
        # Nobody proposes what does not hold, and nobody's disk or state goes wrong unnoticed
        "signatures are not checked",
        "what members forward is not verified",
        "a block need not follow",
        "the roots are not compared",
        "a refused block stays in the Merkle log",
        "a restored state is not checked",
        "damage is passed over",
        # Nobody thins, joins, recovers or fills a mempool
        "one of two bounds",
        "a log above a snapshot forgets its term",
        "all old certificates go",
        "a snapshot without its base",
        "a recovery changes nothing",
        "a change waits on above a recovery",
        "an epoch goes on above a recovery",
        "a recovery is forgotten by who votes now",
        "a snapshot without changes of voters",
        "a snapshot's changes are lost",
        "a receipt of the first",
    }
)
"""Mutants in what does run there, which nobody there gives a chance to show. They are not shown to the simulator."""

ARGUMENTS: dict[str, str] = {
    "a leader's word is noted before its blocks are taken": ("a node is then level a heartbeat later, never earlier"),
    "the answer of the disk comes last": (
        "nothing else is in the queue while a write is performed, and `Replica.step` breaks if there were"
    ),
    "term and entries in two writes": (
        "the store raises the term to that of its newest entry when it is opened, and the vote had a write of its own"
    ),
}
"""Why a mutant may survive, by its name."""


def _of(file: str, *bugs: tuple[str, str, str, str]) -> tuple[Mutant, ...]:
    return tuple(Mutant(file, *bug) for bug in bugs)


_ELECTION = _of(
    "consensus/election.py",
    (
        "no pre-vote",
        "Whoever hears no leader raises the term at once, and disturbs the others when it returns.",
        "replica.ticks >= replica.timeout:\n        stand(replica, probe=True)",
        "replica.ticks >= replica.timeout:\n        stand(replica, probe=False)",
    ),
    (
        "an observer stands for election",
        "A node that does not vote asks for votes.",
        "elif replica.votes_here and replica.ticks",
        "elif replica.ticks",
    ),
    (
        "a leader never looks at its quorum",
        "A leader that reaches nobody leads on.",
        "if heard < majority(len(replica.config.voters)):",
        "if heard < 1:",
    ),
    (
        "a leader hears the dead",
        "Who answered once counts as heard for ever.",
        "progress.heard = False",
        "progress.heard = True",
    ),
    (
        "a leader does not count itself as heard",
        "It needs one follower more than a majority has.",
        "heard = 1 + sum(",
        "heard = sum(",
    ),
    (
        "a stall is never noticed",
        "A leader whose blocks are never certified leads on.",
        "replica.stall_ticks + 1 if replica.log.last_index > replica.committed else 0",
        "0",
    ),
    (
        "a stall without anything to wait for",
        "A leader that has nothing to do steps down.",
        "replica.stall_ticks + 1 if replica.log.last_index > replica.committed else 0",
        "replica.stall_ticks + 1",
    ),
    (
        "no heartbeats",
        "Followers of a leader without work stand for election.",
        "        replication.heartbeat(replica)\n",
        "        replica.quorum_ticks += 0\n",
    ),
    (
        "a pre-candidate keeps its leader",
        "It refuses others because of a leader that it does not hear (etcd 8334).",
        '        replica.leader = ""\n        replica.outputs',
        "        replica.outputs",
    ),
    (
        "votes of the last election count",
        "Pre-votes count as votes (raft-rs 83).",
        "replica.votes = {replica.config.name: True}",
        "replica.votes |= {replica.config.name: True}",
    ),
    (
        "a candidate asks before its disk knows",
        "After a crash it stands for one term twice (PySyncObj 84).",
        "could stand for one term twice.\n        replica.persist(None, ())\n",
        "could stand for one term twice.\n",
    ),
    (
        "a candidate does not raise the term",
        "It stands for a term that may have a leader.",
        "term = replica.term + 1\n    ensure",
        "term = max(replica.term, 1)\n    ensure",
    ),
    (
        "a candidate boasts of its term",
        "It names its own term as that of its newest entry, and wins with a log too short.",
        "last_term=replica.log.last_term,",
        "last_term=replica.term,",
    ),
    (
        "a candidate boasts of an entry",
        "It says that its log is longer than it is, and wins with a log too short.",
        "last_index=replica.log.last_index,\n        last_term",
        "last_index=replica.log.last_index + 1,\n        last_term",
    ),
    (
        "a vote for any log",
        "A leader without the final blocks is elected.",
        "granted=as_long and free",
        "granted=free",
    ),
    (
        "the index before the term",
        "A long log of an old term beats a short one of a newer.",
        "(request.last_term, request.last_index) >= (log.last_term, log.last_index)",
        "(request.last_index, request.last_term) >= (log.last_index, log.last_term)",
    ),
    (
        "a vote for a longer log alone",
        "Of equal logs none wins.",
        "(request.last_term, request.last_index) >= (log",
        "(request.last_term, request.last_index) > (log",
    ),
    (
        "the term alone makes a log as long",
        "A log that lacks the newest entries of its term wins.",
        "(request.last_term, request.last_index) >= (log.last_term, log.last_index)",
        "request.last_term >= log.last_term",
    ),
    (
        "a pre-vote for any log",
        "Who cannot win raises the term.",
        "granted = as_long and request.term > replica.term",
        "granted = request.term > replica.term",
    ),
    (
        "a pre-vote of the voter's term",
        "A grant does not say what was asked, and counts for nothing (etcd 8243).",
        "term = request.term if granted else replica.term",
        "term = replica.term",
    ),
    (
        "two votes in a term",
        "A term has two leaders (canonical/raft 386).",
        "free = replica.vote == request.sender or (not replica.vote and not replica.leader)",
        "free = True",
    ),
    (
        "a vote that the disk does not know",
        "After a crash a node votes a second time.",
        "replica.vote = request.sender\n        replica.persist(None, ())\n",
        "replica.vote = request.sender\n",
    ),
    (
        "a vote that is not remembered",
        "A node votes for whoever asks.",
        "        replica.vote = request.sender\n",
        "",
    ),
    (
        "a vote is sent, then kept",
        "A crash in between lets a node vote a second time.",
        "        replica.persist(None, ())\n    replica.send(request.sender, reply)\n",
        "        replica.send(request.sender, reply)\n        replica.persist(None, ())\n"
        "    else:\n        replica.send(request.sender, reply)\n",
    ),
    (
        "late answers count",
        "Answers to a pre-vote count in the election, and the other way round (openraft 511f33c7).",
        "if replica.role is not expected:",
        "if replica.role is Role.LEADER or expected is None:",
    ),
    (
        "a refusal counts as a vote",
        "A candidate wins that was refused.",
        "replica.votes[reply.sender] = reply.granted",
        "replica.votes[reply.sender] = True",
    ),
    (
        "a pre-vote makes a leader",
        "A leader leads a term that nobody voted for.",
        "    if won and probe:\n        stand(replica, probe=False)\n    elif won:",
        "    if won:",
    ),
    (
        "a gap behind the log",
        "A new leader sends from one place too far.",
        "FollowerProgress(replica.log.last_index + 1)",
        "FollowerProgress(replica.log.last_index + 2)",
    ),
    (
        "an old leadership's certificates",
        "A leader that led before asks for no certificate up to where it had then.",
        "    replica.certifying = replica.committed\n",
        "",
    ),
    (
        "no opening entry",
        "What older terms left is not final until a client comes.",
        "    replica.outputs.append(Lead(replica.term))\n",
        "",
    ),
)

_HANDING_OVER = _of(
    "consensus/election.py",
    (
        "a leader hands over to whom it will",
        "A follower that lacks entries stands for nothing, and an election timeout passes.",
        "if one.heard and one.match == last)",
        "if one.heard)",
    ),
    (
        "a leader hands over to the dead",
        "Nobody stands, and an election timeout passes.",
        "if one.heard and one.match == last)",
        "if one.match == last)",
    ),
    (
        "one alone is told who is next",
        "The others refuse their votes, for they hear a leader.",
        "            replica.send(other, HandOver(term=",
        "            if other == replica.successor:\n                replica.send(other, HandOver(term=",
    ),
    (
        "one that goes takes over",
        "A leader is named that stops as well, and an election timeout passes.",
        "        if message.to == replica.config.name and not replica.resigning:",
        "        if message.to == replica.config.name:",
    ),
    (
        "one is named, once",
        "If that one is dead an election timeout passes.",
        "        if replica.resigning and replica.successor:\n",
        "        if replica.resigning and not replica.successor:\n",
    ),
    (
        "who resigned proposes nothing more",
        "If nobody takes over, what was taken is not committed.",
        "replica.resigning = bool(replica.others) and not back",
        "replica.resigning = bool(replica.others)",
    ),
    (
        "anybody hands over",
        "A member makes whom it likes stand, again and again.",
        "    if message.sender == replica.leader:\n        replica.successor",
        "    if message.sender:\n        replica.successor",
    ),
    (
        "who is next asks first",
        "It is refused by those that hear the leader.",
        "            stand(replica, probe=False)\n\n\ndef _count",
        "            stand(replica, probe=True)\n\n\ndef _count",
    ),
    (
        "a candidate asks once",
        "A request that comes before the word of the leader is lost, and an election timeout passes.",
        "elif replica.role is Role.CANDIDATE and replica.ticks",
        "elif replica.role is Role.PRE_CANDIDATE and replica.ticks",
    ),
)

_READ_INDEX = _of(
    "consensus/read_index.py",
    (
        "a leader reads by itself",
        "One that was replaced answers with what was final long ago.",
        "reached = replica.round if needed == 0 else rounds[needed - 1]",
        "reached = replica.round",
    ),
    (
        "one follower less for a read",
        "A leader that a minority follows answers.",
        "majority(len(replica.config.voters)) - 1",
        "majority(len(replica.config.voters)) - 2",
    ),
    (
        "a new leader reads at once",
        "It may not know what others have seen as final.",
        "return replica.log.term(replica.committed) == replica.term",
        "return True",
    ),
    (
        "a read of no round of its own",
        "The answer to an earlier round, under way since another led, stands for it.",
        "    replica.round += 1\n",
        "    replica.round = max(replica.round, 1)\n",
    ),
    (
        "a member asks as often as it likes",
        "Whoever asks without end makes rounds without end.",
        "if not _settled(replica) or any(one.node == node for one in replica.reads):",
        "if not _settled(replica):",
    ),
    (
        "anybody answers a read",
        "A member tells a follower what to see.",
        "if message.sender == replica.leader and message.number == replica.asked:",
        "if message.number == replica.asked:",
    ),
    (
        "what waits is forgotten",
        "Reads of a new leader are never answered.",
        "            _begin(replica, node, number)\n\n\ndef answered",
        "            pass\n\n\ndef answered",
    ),
)

_QUORUM = _of(
    "consensus/quorum.py",
    ("half is a majority", "Two halves decide two things.", "return count // 2 + 1", "return count // 2"),
    (
        "half of an even number is a majority",
        "Of four voters two decide.",
        "return count // 2 + 1",
        "return (count + 1) // 2",
    ),
    (
        "one more than a majority",
        "A lone voter never wins.",
        "if granted >= majority(voters):",
        "if granted > majority(voters):",
    ),
    (
        "a vote is lost too early",
        "Who could still win gives up.",
        "(len(votes) - granted) < majority(voters) else",
        "(len(votes) - granted) <= majority(voters) else",
    ),
)

_PROGRESS = _of(
    "consensus/progress.py",
    (
        "no window",
        "Without an answer a leader sends for ever.",
        "else len(self.in_flight) < IN_FLIGHT_MAX",
        "else True",
    ),
    (
        "the same entries fill the window",
        "What was sent is sent again at once.",
        "            self.in_flight.append(last)\n            self.next = last + 1\n",
        "            self.in_flight.append(last)\n",
    ),
    (
        "answered messages stay in the window",
        "It fills, and nothing is sent any more (etcd-io/raft 54).",
        "if last > index]",
        "if last >= index]",
    ),
    (
        "a match that falls",
        "What a follower was known to hold is sent again after a late answer.",
        "        self.match = max(self.match, index)\n        if index < self.refused:",
        "        self.match = index\n        if index < self.refused:",
    ),
    (
        "probing without end",
        "A follower gets one message at a time for ever.",
        "            self.probing = False\n",
        "            self.probing = True\n",
    ),
    (
        "a false acceptance counts for ever",
        "A follower that said once that it held more is left behind.",
        "        self.match = min(self.match, place)\n",
        "",
    ),
    (
        "stale rejections count",
        "Late answers move a leader back again and again.",
        "if probed < self.match or (self.probing and probed != self.next - 1):",
        "if self.probing and probed < 0:",
    ),
    (
        "looking for a match below the match",
        "A leader asks for what it knows already (etcd-io/raft 149).",
        "self.next = max(index, self.match + 1)\n        self.probing, self.paused",
        "self.next = index\n        self.probing, self.paused",
    ),
    (
        "a lost probe is not repeated",
        "A follower whose probe was lost gets nothing any more.",
        "        if self.probing:\n            self.paused = False",
        "        if not self.probing:\n            self.paused = False",
    ),
    (
        "streaming from a guess",
        "After a rejection the leader does not look for the match, it floods.",
        "self.probing, self.paused = True, False",
        "self.probing, self.paused = False, False",
    ),
)

_RAFT_LOG = _of(
    "consensus/raft_log.py",
    (
        "an entry too large for its limit",
        "It is never sent.",
        "if found and size > bytes_max:",
        "if size > bytes_max:",
    ),
    (
        "a truncation leaves one entry",
        "The first entry that contradicts stays.",
        "del self._entries[index - self._first :]",
        "del self._entries[index - self._first + 1 :]",
    ),
    (
        "a truncation below what is in memory",
        "The log goes on where it was cut, not where it should.",
        "self._first, self._entries = index, []\n        else",
        "self._entries = []\n        else",
    ),
    (
        "what is let go is miscounted",
        "After some hundred blocks memory and places are one apart.",
        "self._first += surplus",
        "self._first += surplus + 1",
    ),
    (
        "the first entry in memory is asked of the disk",
        "Its term may be another there.",
        "        if index >= self._first:\n            return self._entries",
        "        if index > self._first:\n            return self._entries",
    ),
    (
        "a match beyond the log",
        "A shorter log is asked for an entry that it has not.",
        "index = min(index, self.last_index)",
        "index = min(index, self.last_index + 1)",
    ),
    (
        "a match of a newer term",
        "The place at which logs may match is not looked for.",
        "while index > 0 and self.term(index) > term:",
        "while index > 0 and self.term(index) > term + 1:",
    ),
)

_REPLICA = _of(
    "consensus/replica.py",
    (
        "strangers are heard",
        "Who is no voter votes.",
        "if message.sender not in self.others or not self.votes_here:",
        "if not self.votes_here:",
    ),
    (
        "any term is believed",
        "One that lies uses all terms up.",
        "        if not self.believes(message.term):\n            return\n",
        "",
    ),
    (
        "no patience with a leader",
        "Who hears its leader still votes for another.",
        "(self.leader and self.ticks < self.config.election_ticks)",
        "False",
    ),
    (
        "a pre-vote raises the term",
        "It disturbs as an election does.",
        "            if message.probe:\n                return True\n",
        "",
    ),
    (
        "a granted pre-vote raises the term",
        "Nobody is elected.",
        "        if isinstance(message, VoteReply) and message.probe and message.granted:\n            return True\n",
        "",
    ),
    (
        "whoever is newer leads",
        "A candidate is taken for the leader.",
        'message.sender if isinstance(message, Append) else ""',
        "message.sender",
    ),
    (
        "an older leader is not told",
        "It leads on in an old term.",
        "self.send(message.sender, self._reject(message.previous_index))",
        "self.outputs += []",
    ),
    (
        "an older pre-vote is not answered",
        "A short log of a high term and a long one of a low term never elect (etcd 8501).",
        "elif isinstance(message, VoteRequest):\n            reply",
        "elif isinstance(message, VoteRequest) and not message.probe:\n            reply",
    ),
    (
        "an older message is taken",
        "Who led before still leads.",
        "            self.send(message.sender, reply)\n        return True\n",
        "            self.send(message.sender, reply)\n        return False\n",
    ),
)

_REPLICA_STATE = _of(
    "consensus/replica_state.py",
    (
        "a vote outlives its term",
        "A node votes for one other for ever.",
        'self.term, self.vote, self.successor = term, "", ""',
        'self.term, self.successor = term, ""',
    ),
    (
        "a newer term that the disk does not know",
        "After a crash a node votes in a term that it had left.",
        'self.successor = term, "", ""\n            self.persist(None, ())\n',
        'self.successor = term, "", ""\n',
    ),
    (
        "a vote is forgotten within its term",
        "A node that steps down votes again.",
        "        if term > self.term:\n            self.term, self.vote",
        "        if term >= self.term:\n            self.term, self.vote",
    ),
    (
        "all wait equally long",
        "Votes split again and again.",
        "self._random.randint(low, 2 * low)",
        "low",
    ),
    (
        "patience is not renewed",
        "Followers stand for election although their leader speaks.",
        "        self.ticks = 0\n        low",
        "        low",
    ),
    (
        "a new leader of the same term is not told of",
        "What clients wait for is not handed to a leader that was unknown before.",
        "changed = self.role is not Role.FOLLOWER or leader != self.leader or term != self.term",
        "changed = self.role is not Role.FOLLOWER or term != self.term",
    ),
)

_REPLICATION = _of(
    "consensus/replication.py",
    (
        "entries are sent that are pruned",
        "A leader breaks on a follower that lags far behind.",
        "while progress.ready and replica.log.base < progress.next <= replica.log.last_index:",
        "while progress.ready and progress.next <= replica.log.last_index:",
    ),
    (
        "the leader's term stands for that of the entry below",
        "No log of an older term matches.",
        "previous_term=replica.log.term(first - 1),",
        "previous_term=replica.term,",
    ),
    (
        "a leader calls final what is not",
        "Followers are told that more is final than is.",
        "newest=replica.committed,",
        "newest=replica.log.last_index,",
    ),
    (
        "answers are not heard",
        "A leader steps down although all answer.",
        "progress.heard = True",
        "progress.heard = False",
    ),
    (
        "a follower says what the leader has",
        "An acceptance beyond the leader's log is believed.",
        "progress.accepted(min(reply.index, replica.log.last_index))",
        "progress.accepted(reply.index)",
    ),
    (
        "a refused entry is passed over",
        "A follower never gets what it postponed.",
        "        progress.refuses(reply.index)\n",
        "        progress.accepted(reply.index)\n",
    ),
    (
        "older terms are certified",
        "What a majority holds of an older term is taken for final (the Raft paper's figure 8; logcabin 44).",
        " or replica.log.term(index) != replica.term:",
        ":",
    ),
    (
        "one endorsement too few",
        "A minority makes final.",
        "if len(signatures) >= majority(len(replica.config.voters)):",
        "if len(signatures) >= majority(len(replica.config.voters)) - 1:",
    ),
    (
        "one endorsement too many",
        "A bare majority makes nothing final.",
        "if len(signatures) >= majority(len(replica.config.voters)):",
        "if len(signatures) > majority(len(replica.config.voters)):",
    ),
    (
        "what is final falls",
        "An old certificate takes back a newer one.",
        "    if index <= replica.committed:\n        return\n    ensure",
        "    ensure",
    ),
    (
        "what was refused stays in the log",
        "Consensus counts on an entry that the chain does not have.",
        "    replica.log.truncate(report.index)\n",
        "",
    ),
    (
        "a candidate stays one",
        "It hears the leader of its term, and waits for votes.",
        "    replica.become_follower(append.term, append.sender)\n    log",
        "    replica.leader = append.sender\n    replica.reset_timeout()\n    log",
    ),
    (
        "no look at the entry below",
        "Logs that differ are grown together.",
        "if append.previous_index > log.last_index or log.term(append.previous_index) != append.previous_term:",
        "if append.previous_index > log.last_index:",
    ),
    (
        "every append truncates",
        "A delayed one drops what was acknowledged (PySyncObj, CCF 5991).",
        "entry for entry in append.entries if entry.index > log.last_index or log.term(entry.index) != entry.term",
        "entry for entry in append.entries",
    ),
    (
        "conflicts are not seen",
        "A follower keeps entries that contradict its leader's.",
        "if entry.index > log.last_index or log.term(entry.index) != entry.term",
        "if entry.index > log.last_index",
    ),
    (
        "the disk is not truncated",
        "Entries that were replaced are still on disk.",
        "replica.persist(truncate, taken)",
        "replica.persist(None, taken)",
    ),
    (
        "all that is held is acknowledged",
        "A follower vouches for entries that the leader did not send (CCF 6016).",
        "append.previous_index + len(append.entries)\n    reply",
        "replica.log.last_index\n    reply",
    ),
    (
        "endorsements are said once",
        "With a lost answer they are lost for good.",
        "first, last = min(append.previous_index, replica.committed) + 1,",
        "first, last = append.previous_index + 1,",
    ),
    (
        "no hint",
        "A rejection does not say where logs may match: the leader begins at the beginning.",
        "hint_index=place,",
        "hint_index=0,",
    ),
    (
        "a certificate beyond the log",
        "A follower checks what is of a block that it lacks.",
        "replica.committed < append.certified <= replica.log.last_index:",
        "replica.committed < append.certified:",
    ),
    (
        "a rejection from below what is kept",
        "A leader that asks below a pruned log never learns how far it is.",
        "if append.previous_index < log.base:",
        "if append.previous_index < 0:",
    ),
    (
        "an observer does not count",
        "A node that does not vote takes nothing for final.",
        "    replica.committed = report.index\n",
        "",
    ),
)

_DRIVER = _of(
    "node/ordering/driver.py",
    (
        "who led before is looked into",
        "An honest node that led before is called a liar.",
        "if message.term < self.replica.term or await self.inspector.admits(message):",
        "if await self.inspector.admits(message):",
    ),
    (
        "nothing is inspected",
        "What no honest peer sends reaches consensus.",
        "if message.term < self.replica.term or await self.inspector.admits(message):",
        "if message.term >= 0:",
    ),
    (
        "nobody is heard",
        "A leader that is answered does not hear a majority.",
        "            self.reach.heard(message.sender)",
        "            self.reach.look()",
    ),
    (
        "the place of a part is that of the whole",
        "What a follower takes in parts does not match.",
        "previous_term=first[-1].term, entries=rest",
        "previous_term=append.previous_term, entries=rest",
    ),
    (
        "a part is taken after the world has changed",
        "Parts of an append reach consensus that it would refuse by now.",
        "            if not self.inspector.plausible(append):\n                return\n",
        "",
    ),
    (
        "a pause counts in full",
        "After a stall a node lives through all of it at once.",
        "min(int((now - self._looked) / TICK_SECONDS), self.replica.config.election_ticks)",
        "int((now - self._looked) / TICK_SECONDS)",
    ),
    (
        "parts of a tick are lost",
        "By a clock that goes slow no time passes.",
        "        if ticks:\n            self._looked = now\n",
        "        self._looked = now\n",
    ),
    (
        "an input within an input",
        "Outputs are performed in another order than asked for.",
        "        if self._stepping:\n            return\n",
        "",
    ),
    (
        "send, then keep",
        "What a crash takes back was promised.",
        "for output in self.replica.step(self._inputs.popleft()):",
        "for output in sorted(self.replica.step(self._inputs.popleft()), key=lambda one: not isinstance(one, Send)):",
    ),
    (
        "a failed write is survived",
        "A node goes on with memory that is not what is on disk (cockroach 37102).",
        "            self.on_broken(error)\n            raise\n",
        "            raise\n",
    ),
    (
        "what was refused is written",
        "A block that was postponed is in the log.",
        "asked.truncate_from, tuple(taken))",
        "asked.truncate_from, asked.entries)",
    ),
    (
        "the vote is not passed on",
        "The disk holds the term alone.",
        "self._raft_log.persist(asked.term, asked.vote, asked.truncate_from",
        'self._raft_log.persist(asked.term, "", asked.truncate_from',
    ),
    (
        "what is dropped is not proposed again",
        "Transactions of a block that was replaced wait for ever.",
        "self.mempool.put_back(self.chain.truncate(asked.truncate_from))",
        "self.chain.truncate(asked.truncate_from)",
    ),
    (
        "the answer of the disk comes last",
        "Consensus is given something else meanwhile.",
        "self._inputs.appendleft(refusal or Persisted())",
        "self._inputs.append(refusal or Persisted())",
    ),
    (
        "one block a certificate",
        "Of several blocks that become final together all but one wait.",
        "            while self._final and not self._closed:\n",
        "            if self._final and not self._closed:\n",
    ),
    (
        "the newest certificate with whatever is sent",
        "An honest leader is called a liar, for a certificate of more than it sent.",
        "self.certifying.upto(message.previous_index + len(message.entries))",
        "self.certifying.newest",
    ),
    (
        "the client is told another place",
        "What a client is told of its transaction is not so.",
        "self.mempool.committed(signed.id, (height, position))",
        "self.mempool.committed(signed.id, (height, position + 1))",
    ),
    (
        "expired by this node's clock",
        "Clients are told that a transaction expired, and then it is final.",
        "self.mempool.drop_expired(self.chain.committed.time_ms)",
        "self.mempool.drop_expired(self.proposer.clock())",
    ),
    (
        "one block, and no more",
        "A leader proposes once.",
        "        self._pump_scheduled = False\n        if",
        "        if",
    ),
    (
        "a leader's word is noted before its blocks are taken",
        "A node that takes no blocks says that it is ready.",
        "            if isinstance(message, Append):\n                await self._take(message)\n",
        "            self.freshness.heard(message)\n"
        "            if isinstance(message, Append):\n                await self._take(message)\n",
    ),
)

_INSPECTION = _of(
    "node/ordering/inspection.py",
    (
        "a signature is known by its transaction",
        "Who saw a transaction once takes it with any signature.",
        '" ".join((signed.id, *signed.signatures))',
        "signed.id",
    ),
    (
        "signatures are not checked",
        "Blocks carry what nobody signed.",
        "            check_signatures(signed)\n            await self._prepare",
        "            await self._prepare",
    ),
    (
        "a block by its place",
        "Another block than was sent is executed: the one that came first for its place.",
        "if block is None or data is not entry.data:",
        "if block is None:",
    ),
    (
        "the header's term is not compared",
        "A block of one term is in the log as one of another.",
        "if block.header.term != entry.term:",
        "if block.header.term > entry.term:",
    ),
    (
        "an append is not looked at again",
        "Consensus has moved on while signatures were checked, and breaks.",
        "return await self._decoded(message) and self.plausible(message)",
        "return await self._decoded(message)",
    ),
    (
        "endorsements are not verified",
        "Certificates are made of forged ones.",
        "self._counts(message) and not self._endorsements_hold(message):",
        "self._counts(message) and not message.endorsements == message.endorsements:",
    ),
    (
        "an answer to somebody else's blocks",
        "Honest followers are called liars, for endorsing what this node lacks.",
        "if isinstance(message, AppendReply) and self._counts(message) and not",
        "if isinstance(message, AppendReply) and not",
    ),
    (
        "an answer beyond the own log",
        "Honest followers are called liars, for answering another leader.",
        "return not self._counts(message) or message.index <= replica.log.last_index + 1",
        "return message.index <= replica.log.last_index + 1",
    ),
    (
        "a second leader of a term",
        "Consensus breaks on a node that lies.",
        "        if replica.role is Role.LEADER and message.term == replica.term:\n            return False\n",
        "",
    ),
    (
        "terms in any order",
        "A log's terms fall.",
        "        if terms != sorted(terms):\n            return False\n",
        "",
    ),
    (
        "entries in any place",
        "A log has gaps.",
        "if entry.index != place or self._contradicted(place, entry.term):",
        "if self._contradicted(place, entry.term):",
    ),
    (
        "final entries are contradicted",
        "Consensus breaks on a node that lies.",
        "if entry.index != place or self._contradicted(place, entry.term):",
        "if entry.index != place:",
    ),
    (
        "what is not final is held against a leader",
        "An honest leader is called a liar, for replacing what never was final.",
        "return log.base <= index <= self._replica.committed and",
        "return log.base <= index <= log.last_index and",
    ),
    (
        "a certificate of another height",
        "Consensus is told of one height, the chain of another.",
        "if append.certificate and decode(append.certificate, Certificate).height != append.certified:",
        "if append.certificate and decode(append.certificate, Certificate).height < 0:",
    ),
)

_CERTIFYING = _of(
    "node/ordering/certifying.py",
    (
        "blocks of older terms are endorsed",
        "What may still be replaced gets a certificate.",
        "            if self._chain.header(height).term == term\n",
        "",
    ),
    (
        "the endorsement of another block",
        "Where a block was replaced, the one before is endorsed.",
        "if endorsed != header:",
        "if not endorsed:",
    ),
    (
        "a certificate is taken as it is",
        "Whatever a leader sends makes final.",
        "if certificate.height != height or not self._chain.certificate_holds(certificate):",
        "if certificate.height != height:",
    ),
    (
        "the newest certificate stays the first",
        "Followers are never told what is final.",
        "        self.newest = certificate\n",
        "",
    ),
    (
        "a certificate of the block below",
        "What a leader certifies is another block.",
        "header=self._chain.hash_at(height),",
        "header=self._chain.hash_at(height - 1),",
    ),
    (
        "the first certificate that a node had no part in",
        "A node that lost its log is let in again, and an honest one is not.",
        "any(one.node == node for one in certificate.endorsements)",
        "all(one.node != node for one in certificate.endorsements)",
    ),
)

_PROPOSER = _of(
    "node/ordering/proposer.py",
    (
        "whatever waits is proposed",
        "A block holds what is final already.",
        "                check_admissible(ledger, self._chain.name, signed, time_ms, parameters)\n",
        "",
    ),
    (
        "a leader's clock decides what has expired",
        "Clients are told that a transaction expired, and then it is final.",
        "if error.code is Code.EXPIRED and until >= self._chain.committed.time_ms:",
        "if error.code is Code.EXPIRED and until < 0:",
    ),
    (
        "admitted by the clock alone",
        "A node whose clock is wrong says that a transaction expired.",
        "return min(now, max(signed.transaction.valid_until_ms, self._chain.committed.time_ms))",
        "return now",
    ),
    (
        "what a block did not take is gone",
        "Transactions beyond its fuel wait for ever.",
        "self._mempool.put_back([signed for signed in kept if signed.id not in taken])",
        "self._mempool.put_back([])",
    ),
)

_FRESHNESS = _of(
    "node/ordering/freshness.py",
    (
        "whoever speaks is believed",
        "A leader that was replaced makes nodes ready.",
        "if isinstance(message, Append) and message.sender == self._replica.leader:",
        "if isinstance(message, Append):",
    ),
    (
        "a follower of a leader without a block",
        "Who follows a leader that does not know yet what is final says that it is ready.",
        "if self.behind <= BEHIND_MAX and self.settled(message.term):",
        "if self.behind <= BEHIND_MAX:",
    ),
    (
        "however far behind",
        "A node that takes no blocks says that it is ready.",
        "if self.behind <= BEHIND_MAX and self.settled(message.term):",
        "if self.settled(message.term):",
    ),
    (
        "a leader that nobody hears is ready",
        "It was replaced long ago.",
        "return self.settled(self._replica.term) and self._led",
        "return self.settled(self._replica.term)",
    ),
    (
        "a leader without a block is ready",
        "It does not know how much of its log is final.",
        "return self.settled(self._replica.term) and self._led",
        "return self._led",
    ),
    (
        "whoever answers follows",
        "A leader is ready by what it was answered in an older term.",
        "elif isinstance(message, AppendReply) and message.term == self._replica.term:",
        "elif isinstance(message, AppendReply):",
    ),
    (
        "answered once, led for ever",
        "A leader that was paused is ready when it wakes.",
        'if self._answered.get(one, float("-inf")) >= since}',
        "if one in self._answered and since < since + 1}",
    ),
    (
        "a leader does not follow itself",
        "A lone voter is never ready.",
        "return voters | {self._chain.node}",
        "return voters",
    ),
    (
        "ready once, ready for ever",
        "A node that is told nothing says that it is ready.",
        "self._monotonic() - self._level <= within",
        "self._level <= self._monotonic()",
    ),
)

_REACH = _of(
    "node/ordering/reach.py",
    (
        "a node does not hear itself",
        "A lone voter without a leader says that it reaches nobody.",
        "hears = 1 + sum(self._heard",
        "hears = sum(self._heard",
    ),
    (
        "heard once, heard for ever",
        "A node that is cut off lets its clients wait.",
        "self._heard.get(voter, 0.0) >= heard_since for",
        "voter in self._heard and heard_since > 0 for",
    ),
    (
        "always led",
        "A client waits where nothing can be committed.",
        "        if self._replica.leader:\n            self._led = ",
        "        if self._replica.others:\n            self._led = ",
    ),
)

_FORWARDING = _of(
    "node/ordering/forwarding.py",
    (
        "handed over once",
        "What is lost on the way to the leader waits for ever.",
        "if signed.id in self._waited])",
        "if signed.id == self._waited])",
    ),
    (
        "what members forward is not verified",
        "A node keeps what nobody signed.",
        "                await self._inspector.verify([signed])\n",
        "",
    ),
    (
        "a duplicate is refused",
        "A client whose transaction came twice is told that it failed.",
        "if error.code is not Code.DUPLICATE:",
        "if error.code:",
    ),
    (
        "what members forward is this node's own",
        "It is counted for nobody, and forwarded on.",
        "self._mempool.add(signed, member)",
        "self._mempool.add(signed)",
    ),
)

_MEMPOOL = _of(
    "node/ordering/mempool.py",
    (
        "one of two bounds",
        "Many small transactions fill a node.",
        "> transactions_max or used.size",
        "> transactions_max and used.size",
    ),
    (
        "who comes new owes nothing",
        "Who sends one after the other gets all.",
        "self._used[account] = max(self._used.get(account, 0), self._least)",
        "self._used[account] = self._used.get(account, 0)",
    ),
    (
        "what is final still waits",
        "A committed transaction stays in the way of others.",
        "        self._remove(transaction)\n        for future in self._waiters.pop(transaction, ()):\n"
        "            if not future.done():\n                future.set_result(place)",
        "        for future in self._waiters.pop(transaction, ()):\n"
        "            if not future.done():\n                future.set_result(place)",
    ),
)

_RAFT_LOG_STORE = _of(
    "node/storage/raft_log_store.py",
    (
        "the log is not synced",
        "A power cut takes back what was promised (etcd 14370).",
        "with self._db.write_batch(sync=True) as batch:\n            if truncate_from",
        "with self._db.write_batch(sync=False) as batch:\n            if truncate_from",
    ),
    (
        "a truncation of memory alone",
        "After a restart entries are there that were dropped.",
        "                _delete(batch, range(truncate_from, self._last + 1), self._spans[len(kept) :])\n",
        "                _delete(batch, range(0), self._spans[len(kept) :])\n",
    ),
    (
        "a truncation leaves the last entry",
        "After a restart it is there again.",
        "range(truncate_from, self._last + 1)",
        "range(truncate_from, self._last)",
    ),
    (
        "a truncation leaves a term",
        "Entries are said to be of a term that was dropped.",
        "kept[: bisect_left(kept, (truncate_from, 0))]",
        "kept[: bisect_left(kept, (truncate_from + 1, 0))]",
    ),
    (
        "terms of dropped entries stay on disk",
        "After a restart entries are said to be of another term.",
        "self._spans[len(kept) :])\n            for entry",
        "[])\n            for entry",
    ),
    (
        "a vote in memory alone",
        "After a restart a node votes a second time (PySyncObj 84).",
        'struct.pack(">Q", term) + vote.encode())',
        'struct.pack(">Q", term))',
    ),
    (
        "term and entries in two writes",
        "A crash in between leaves a log of a term that its node never was in (hashicorp/raft 661).",
        '            batch.put(_HARD, struct.pack(">Q", term) + vote.encode())\n',
        "        with self._db.write_batch(sync=True) as batch:\n"
        '            batch.put(_HARD, struct.pack(">Q", term) + vote.encode())\n',
    ),
    (
        "the first entry of a term is of the one before",
        "Logs do not match where a term begins.",
        "bisect_right(self._spans, (index, maxsize)) - 1",
        "bisect_left(self._spans, (index, 0)) - 1",
    ),
    (
        "a log may be of a newer term than its node",
        "A node votes in a term that it has entries of.",
        'return (term, vote) if term >= newest else (newest, "")',
        "return term, vote",
    ),
    (
        "what is pruned is not told",
        "After a restart a node says that it has what is gone.",
        '            batch.put(_BASE, struct.pack(">Q", upto))\n',
        "",
    ),
    (
        "one too many is pruned",
        "The first entry that is kept is gone.",
        "for index in range(self.base + 1, upto + 1):",
        "for index in range(self.base + 1, upto + 2):",
    ),
    (
        "a log above a snapshot forgets its term",
        "After a restart its first block matches no other.",
        '            batch.put(_SPAN + struct.pack(">Q", base), struct.pack(">Q", term))\n',
        "",
    ),
    (
        "damage is passed over",
        "LevelDB drops a damaged batch in silence.",
        "paranoid_checks=True",
        "paranoid_checks=False",
    ),
)

_STATE_STORE = _of(
    "node/storage/state_store.py",
    (
        "a block in two batches",
        "A power cut in between leaves a state of no height.",
        "            batch.put(_APPLIED, packed)\n        self.applied = done.height\n",
        "        with self._db.write_batch() as batch:\n"
        "            batch.put(_APPLIED, packed)\n        self.applied = done.height\n",
    ),
    (
        "the height of the state is not kept",
        "After a restart all blocks are run again.",
        "            batch.put(_APPLIED, packed)\n        self.applied = done.height\n",
        "        self.applied = done.height\n",
    ),
    (
        "nothing is deleted",
        "What a block removed is still there.",
        "                    batch.delete(name)\n                    if key",
        "                    if key",
    ),
    (
        "certificates are not kept",
        "Nothing proves that a block is final.",
        "if done.certificate is not None:",
        "if done.certificate is None and done.height < 0:",
    ),
    (
        "the certificate above is another",
        "A block is proven by the certificate of a later one.",
        'start=_certificate(height), stop=b"d"',
        'start=_certificate(height + 1), stop=b"d"',
    ),
    (
        "the newest certificate is left out",
        "A block that is certified is said not to be.",
        'start=b"c", stop=_certificate(height + 1)',
        'start=b"c", stop=_certificate(height)',
    ),
    (
        "every transaction is the first of its block",
        "Who asks for a transaction is shown another.",
        'packed + struct.pack(">I", position))\n            for subject',
        'packed + struct.pack(">I", 0))\n            for subject',
    ),
    (
        "all old certificates go",
        "Old blocks are not proven any more.",
        "for key in list(keys)[:-1]:",
        "for key in list(keys):",
    ),
    (
        "a snapshot without its base",
        "After a restart a node that joined says that it began at genesis.",
        "            batch.put(_BASE, msgspec.msgpack.encode(base))\n",
        "",
    ),
)

_CHAIN = _of(
    "node/chain/chain.py",
    (
        "a block need not follow",
        "Whoever signed it, whatever it names below: it is taken.",
        "        if fault is not None:\n            raise InvalidBlock(header.height, fault)\n        if clock_ms",
        "        if clock_ms",
    ),
    (
        "no look at the clock",
        "A leader may set the time of blocks as it likes.",
        "            raise Postponed(",
        "            Postponed(",
    ),
    (
        "the roots are not compared",
        "A node endorses what it would not have come to.",
        "        if expected != header:\n            self.log",
        "        if expected.height != header.height:\n            self.log",
    ),
    (
        "a refused block stays in the Merkle log",
        "No later block is accepted.",
        "            self.log.truncate(below.log_size)\n",
        "",
    ),
    (
        "a truncation leaves one block",
        "A block stays that was replaced.",
        "kept = height - self.committed.height - 1\n",
        "kept = height - self.committed.height\n",
    ),
    (
        "dropped blocks stay in the Merkle log",
        "No later block is accepted.",
        "        self.log.truncate(self.tip.log_size)\n",
        "",
    ),
    (
        "the state tree stands still",
        "The next block gets an old root.",
        "            self._tree = done[-1].tree\n",
        "",
    ),
    (
        "a block is not run again",
        "After a restart one is missing.",
        "range(state_store.applied + 1, raft_log.last_index() + 1)",
        "range(state_store.applied + 2, raft_log.last_index() + 1)",
    ),
    (
        "a restored state is not checked",
        "A node goes on with a state that is none.",
        "if state_tree.root_hash(self._tree).hex() != header.state_root or self.log.root().hex() != header.log_root:",
        "if not header.state_root:",
    ),
    (
        "certificates hold",
        "Forged ones make final.",
        "return certificate_fault(certificate, header, self.sets.of(header)) is None",
        "return certificate.height == header.height",
    ),
)

_FINALS = _of(
    "node/chain/finals.py",
    (
        "a stretch without a new certificate",
        "Who follows gets a certificate of what it has.",
        "certificate.height <= height:\n            certificate",
        "certificate.height < height:\n            certificate",
    ),
    (
        "a stretch beyond its certificate",
        "Who follows gets blocks that nothing proves.",
        "return tuple(frames[: certificate.height - height]), certificate",
        "return tuple(frames), certificate",
    ),
    (
        "the first block that is kept is withheld",
        "Who is level with a pruned log is sent away.",
        "if height < self.oldest:",
        "if height <= self.oldest:",
    ),
    (
        "a stretch ends below its certificate",
        "Who follows a thinned chain gets one block too few.",
        "range(height + 1 + len(frames), certificate.height + 1)",
        "range(height + 1 + len(frames), certificate.height)",
    ),
    (
        "a receipt of the first",
        "A receipt proves another transaction of the block.",
        "block.header.log_size - len(block.transactions) + position,",
        "block.header.log_size - len(block.transactions),",
    ),
)

_RECOVERING = _of(
    "node/snapshots/recovering.py",
    (
        "a better log signs",
        "A recovery drops what a survivor holds.",
        "if held.place > theirs or (held.place == theirs",
        "if (held.place == theirs",
    ),
    (
        "another block signs",
        "A survivor signs for a block that it does not hold.",
        "if held.place > theirs or (held.place == theirs and held.header != recovery.header):",
        "if held.place > theirs:",
    ),
    (
        "the longer log is the better",
        "Blocks of a newer term are dropped for more of an older.",
        "return self.term, self.height",
        "return self.height, self.term",
    ),
    (
        "final blocks are cut",
        "A recovery takes back what was final.",
        "if state.applied > recovery.height:",
        "if state.applied < 0:",
    ),
    (
        "a cut one too low",
        "The block that a recovery goes on from is dropped.",
        "recovery.height + 1, ())",
        "recovery.height, ())",
    ),
    (
        "nothing is cut",
        "Blocks stay above a recovery that never were final.",
        "if raft_log.last_index() > recovery.height:",
        "if raft_log.last_index() < 0:",
    ),
    (
        "a recovery is not checked",
        "Anybody's is put in force.",
        "        check_recoveries((*stored, signed), self.genesis)\n",
        "",
    ),
    (
        "another's key signs",
        "A node signs that is none of the survivors.",
        "if recovery.voters.key(held.node) != key.public:",
        "if recovery.voters is None:",
    ),
)

_CATCHING_UP = _of(
    "node/snapshots/catching_up.py",
    (
        "whatever is given is final",
        "A node takes blocks without a certificate.",
        "        self._check_final(blocks, certificate)\n",
        "",
    ),
    (
        "signatures are taken on trust",
        "Blocks carry what nobody signed.",
        "            for signed in block.transactions:\n                check_signatures(signed)\n",
        "            pass\n",
    ),
    (
        "the disk keeps what is contradicted",
        "After a restart the log is not what the chain was.",
        "self._raft_log.hard_vote, contradicted, entries)",
        "self._raft_log.hard_vote, None, entries)",
    ),
    (
        "what is known is taken again",
        "The blocks that a node has endorsed are in its way.",
        "new = blocks[known:]",
        "new = blocks",
    ),
    (
        "blocks that do not follow each other",
        "The certificate of the last proves none below.",
        "if upper.previous != lower.hash or upper.height != lower.height + 1:",
        "if upper.height != lower.height + 1:",
    ),
    (
        "a vote is lost while catching up",
        "A node votes a second time in a term.",
        "self._raft_log.persist(self._raft_log.hard_term, self._raft_log.hard_vote, contradicted",
        'self._raft_log.persist(self._raft_log.hard_term, "", contradicted',
    ),
)

_REBUILDING = _of(
    "node/snapshots/rebuilding.py",
    (
        "rebuilt without need",
        "A node that lost nothing looks for a snapshot.",
        "if lost >= base:",
        "if lost > base:",
    ),
    (
        "the log is not pruned to the snapshot",
        "Blocks below the state are run once more.",
        "        raft_log.prune(manifest.header.height)\n",
        "",
    ),
    (
        "a kill in the middle is not made up for",
        "A state that is whole is not put where it belongs.",
        'if (data / REBUILT).exists() and not (data / "state").exists():',
        'if (data / REBUILT).exists() and not (data / "log").exists():',
    ),
)

_NETWORK = _of(
    "node/peers/network.py",
    (
        "a loss that is none",
        "A node stops for a block that it still holds.",
        "if lost and any(",
        "if any(",
    ),
    (
        "anybody's word for a loss",
        "A node stops because another says so.",
        "any(endorsement_holds(self._key.public, certificate.header, signature) for signature in mine)",
        "mine",
    ),
    (
        "a caller by any name",
        "A member calls itself another.",
        "if not isinstance(frame, Hello) or frame.node != name:",
        "if not isinstance(frame, Hello):",
    ),
    (
        "a caller of another chain",
        "Two chains are mixed.",
        "if frame.chain != self._driver.chain.name:",
        "if not frame.chain:",
    ),
    (
        "a caller of any version",
        "Frames come that mean something else.",
        "if frame.lowest > PROTOCOL_HIGHEST or frame.highest < PROTOCOL_LOWEST:",
        "if frame.lowest > PROTOCOL_HIGHEST and frame.highest < PROTOCOL_LOWEST:",
    ),
    (
        "a caller that holds all it endorsed",
        "An honest node is shut out, for having nothing more than that.",
        "frame.last_index < endorsed.height:",
        "frame.last_index <= endorsed.height:",
    ),
    (
        "a caller that lost its log",
        "It endorses another block where it has endorsed one.",
        "if endorsed is not None and frame.last_index < endorsed.height:",
        "if endorsed is not None and frame.last_index < 0:",
    ),
    (
        "a member speaks for another",
        "One votes with the voices of all.",
        "            if frame.sender == name:\n",
        "            if frame.sender:\n",
    ),
    (
        "anybody refuses",
        "A client is told of a refusal by a node that does not lead.",
        "isinstance(frame, ForwardRefused) and name == self._driver.replica.leader:",
        "isinstance(frame, ForwardRefused):",
    ),
)

_MEMBERSHIP = _of(
    "consensus/membership.py",
    (
        "who leaves keeps what is not final",
        "It takes no other block of that place, and goes no further.",
        "if replica.log.last_index > replica.committed:",
        "if replica.log.last_index < 0:",
    ),
    (
        "who leaves leads on",
        "It counts answers of voters that it is none of.",
        "if replica.role is not Role.FOLLOWER:",
        "if replica.role is Role.CANDIDATE:",
    ),
    (
        "who is new is not sent to",
        "It is counted, and cannot answer.",
        "replica.progress = kept | new",
        "replica.progress = kept",
    ),
    (
        "who left is followed on",
        "It is sent to, and its answers end reads.",
        "replica.progress = kept | new",
        "replica.progress |= new",
    ),
    (
        "what is known of followers is forgotten",
        "All of them are probed again.",
        "if name in replica.others}\n    new",
        "if not replica.others}\n    new",
    ),
    (
        "who left is to take over",
        "A leader that goes waits for one that does not stand.",
        '    if replica.successor not in replica.progress:\n        replica.successor = ""\n',
        "",
    ),
    (
        "who begins to vote is impatient",
        "It stands for election the moment it may.",
        "        replica.reset_timeout()\n",
        "",
    ),
    (
        "entries above a change",
        "They are counted by other voters than they were sent to.",
        'replica.log.last_index == replica.committed, "a leader',
        'replica.log.last_index >= replica.committed, "a leader',
    ),
    (
        "nobody else votes",
        "Consensus goes on with the voters of before.",
        "replica.config = replace(replica.config, voters=voters)",
        "replica.config = replace(replica.config, voters=voters[:0] + replica.config.voters)",
    ),
)

_VOTER_SETS = _of(
    "node/chain/voter_sets.py",
    (
        "settled by its own certificate alone",
        "Who knows a change by the block above waits for ever for what lies between.",
        "epochs[max(0, place - 1) : place + 1]",
        "epochs[max(0, place - 1) : place]",
    ),
    (
        "settled from above alone",
        "A change counts as none, once its block is not the newest.",
        "epochs[max(0, place - 1) : place + 1]",
        "epochs[place : place + 1]",
    ),
    (
        "settled once and for all",
        "A change that was made before counts before it is final.",
        "for one in epochs[max(0, place - 1) : place + 1])",
        "for one in epochs)",
    ),
    (
        "in force at once",
        "A change counts that may be dropped.",
        "settled = not changes_voters(below) or self._is_settled(below)",
        "settled = bool(self._sets)",
    ),
    (
        "a block of the new voters is taken at once",
        "A log holds one whose node does not know that they vote.",
        '            raise Postponed(f"block {below.height} changes',
        '            Postponed(f"block {below.height} changes',
    ),
    (
        "a block of neither epoch waits",
        "What nobody will ever certify is asked for again and again.",
        "            if block.header.voters_digest != below.next_voters_digest:\n                raise InvalidBlock(",
        "            if block.header.voters_digest != below.next_voters_digest:\n                Postponed(",
    ),
    (
        "an epoch that does not go on",
        "An opening block above a change is refused, and the leader that made it called a liar.",
        "if self._recovery_at(below.height) is None and continues(block, below):",
        "if self._recovery_at(below.height) is not None and continues(block, below):",
    ),
    (
        "an epoch goes on above a recovery",
        "The lost are asked to certify.",
        "if self._recovery_at(below.height) is None and continues(block, below):",
        "if continues(block, below):",
    ),
    (
        "a change waits on above a recovery",
        "Survivors wait for the certificate of a change that nobody can make final.",
        "return changes_voters(below) and self._recovery_at(below.height) is None and not self._is_settled(below)",
        "return changes_voters(below) and not self._is_settled(below)",
    ),
    (
        "a recovery changes nothing",
        "The lost certify on.",
        "        if recovery is not None:\n            return recovery\n",
        "",
    ),
    (
        "a recovery is forgotten by who votes now",
        "Elections are held among the lost.",
        "return recoveries[-1].voters if recoveries else genesis",
        "return genesis",
    ),
    (
        "a certificate from below settles",
        "A change counts that is not final, and its proof proves nothing.",
        "if certificate.height != header.height or not changes_voters(header)",
        "if not changes_voters(header)",
    ),
    (
        "a change is settled again and again",
        "Receipts carry one change twice, and hold no more.",
        "or not changes_voters(header) or self._is_settled(header):",
        "or not changes_voters(header):",
    ),
    (
        "an opening block begins the epoch",
        "The new voters are to certify their own beginning.",
        "        if changes_voters(below) and voters.digest == below.voters_digest:\n"
        "            return self._sets[below.next_voters_digest]\n",
        "",
    ),
    (
        "who was left behind cannot continue an epoch",
        "Final opening blocks above a change are not taken from others.",
        "            allowed.add(below.voters_digest)\n",
        "            allowed |= set()\n",
    ),
    (
        "any known voters make final",
        "Those who voted before certify blocks of a later epoch.",
        "return self._sets[header.voters_digest] if header.voters_digest in allowed else None",
        "return self._sets.get(header.voters_digest)",
    ),
)

_RECONFIGURING = _of(
    "node/ordering/reconfiguring.py",
    (
        "not settled",
        "Two leaders change two nodes, each by a majority that the other lacks (Ongaro, 2015).",
        "if not self._freshness.settled(self._replica.term):",
        "if self._replica.term < 0:",
    ),
    (
        "the leader stays",
        "It removes itself, and nobody leads until an election.",
        "        if self._chain.node not in names:\n",
        "        if not names:\n",
    ),
    (
        "a leader says that it leaves, and stays",
        "A change that removes the leader is refused for ever.",
        "            await self._step_aside()\n",
        "",
    ),
    (
        "the silent may begin to vote",
        "A majority has to answer of which one never does.",
        "            if level is None:\n",
        "            if level is None:\n                continue\n            if level.height < 0:\n",
    ),
    (
        "no level",
        "Nothing becomes final until the new voter has caught up.",
        "> BEHIND_MAX:",
        "> BEHIND_MAX << 40:",
    ),
    (
        "level but for one block less",
        "One that is within the bound is refused.",
        "> BEHIND_MAX:",
        ">= BEHIND_MAX:",
    ),
    (
        "who is new does not count",
        "Two voters never become three where one of them is down.",
        "            answering.add(added)\n",
        "",
    ),
    (
        "no live quorum",
        "Nothing becomes final after a change: too few of the voters live.",
        "if len(answering) < majority(len(names)):",
        "if len(answering) < 0:",
    ),
    (
        "who leaves counts as live",
        "The same, for the answer of one that votes no more.",
        "self._freshness.answering() & names",
        "self._freshness.answering()",
    ),
    (
        "a live majority of those before",
        "It is no majority of those after.",
        "if len(answering) < majority(len(names)):",
        "if len(answering) < majority(len(before)):",
    ),
    (
        "a second change is dropped without a word",
        "Its client waits until it expires.",
        '            self._refuse(signed, "another change of the voters is under way")\n',
        '            logger.warning("another change of the voters is under way")\n',
    ),
    (
        "a change that can be made is not made",
        "What was looked at is not proposed.",
        "            self._mempool.put_back([signed])\n",
        "",
    ),
    (
        "what was found holds for all",
        "A change is made that nobody looked at.",
        "if self._found.get((signed.id, voters.digest, self._replica.term)):",
        "if any(self._found.values()):",
    ),
    (
        "who leads no more refuses",
        "A client hears that a change failed which the next leader would make.",
        "if fault and self._leads:",
        "if fault:",
    ),
    (
        "a refusal is heard by nobody else",
        "The client of the member that forwarded waits until it expires.",
        "        self._refused[signed.id] = error\n",
        "",
    ),
    (
        "a look that does not end",
        "A closed node touches its mempool, and looks at nodes.",
        "            self._looking.cancel()\n",
        "            self._looking.done()\n",
    ),
)

_EPOCHS_HERE = (
    *_of(
        "node/ordering/driver.py",
        (
            "no opening",
            "Nobody knows whether the new voters certify before somebody sends something.",
            "if self.leading and self.chain.node in voters:",
            "if self.leading and not voters:",
        ),
        (
            "the opening before the change",
            "The block is sent to the voters of before.",
            "            self._inputs.appendleft(Reconfigure(voters))",
            "            self._inputs.append(Reconfigure(voters))",
        ),
        (
            "consensus is not told of a change",
            "Its node and consensus count by other voters.",
            "            self._inputs.appendleft(Reconfigure(voters))\n",
            "",
        ),
        (
            "a block above a pending change",
            "A leader proposes what its followers refuse.",
            " or self.chain.sets.pending(self.chain.tip):",
            ":",
        ),
        (
            "at its start who votes no more keeps its tail",
            "It takes no other block of that place.",
            "        if not self.replica.votes_here:\n            #",
            "        if not self.chain.node:\n            #",
        ),
        (
            "who follows does not learn that it votes",
            "It neither votes nor follows.",
            "if self._voters() != self.replica.config.voters:",
            "if not self._voters():",
        ),
        (
            "who stepped aside never leads again",
            "It refuses to take over for as long as it runs.",
            "        await self.hand_over()\n        self.step(Resign(back=True))\n",
            "        await self.hand_over()\n",
        ),
    ),
    *_of(
        "node/ordering/proposer.py",
        (
            "a change without a look",
            "Voters are added that are not there.",
            "if changes_voters(built.block.header) and not self._may(built):",
            "if self._may is None:",
        ),
        (
            "what stands beside a change is forgotten",
            "Transactions wait for ever.",
            "        self._mempool.put_back([signed for signed in dropped if signed.id != changing.id])\n",
            "",
        ),
        (
            "a change that is looked into is proposed meanwhile",
            "It is refused as a second change while it is looked into itself.",
            "self._mempool.put_back([signed for signed in dropped if signed.id != changing.id])",
            "self._mempool.put_back(dropped)",
        ),
        (
            "what there was no room for goes with a change",
            "Transactions wait for ever.",
            "[signed for signed in kept if signed.id not in taken]",
            "[signed for signed in kept if signed.id not in taken and not changes_voters(built.block.header)]",
        ),
        (
            "a block that may not be stays",
            "A leader holds a change that it has not proposed.",
            "dropped = self._chain.truncate(built.block.header.height)",
            "dropped = list(built.block.transactions)",
        ),
    ),
    *_of(
        "node/storage/raft_log_store.py",
        (
            "a change is not synced",
            "After a power cut a node holds blocks of voters that it does not know.",
            "        with self._db.write_batch(sync=True) as batch:\n            batch.put(_EPOCH",
            "        with self._db.write_batch(sync=False) as batch:\n            batch.put(_EPOCH",
        ),
        (
            "changes out of order",
            "After a restart another set of voters is the newest.",
            "encode(epoch))\n        self.epochs.append(epoch)",
            "encode(epoch))\n        self.epochs.insert(0, epoch)",
        ),
        (
            "changes are sorted backwards",
            "After a restart another set of voters is the newest.",
            "self._db.iterator(prefix=_EPOCH)]",
            "self._db.iterator(prefix=_EPOCH, reverse=True)]",
        ),
        (
            "a snapshot without changes of voters",
            "After a restart a node above a snapshot counts by the genesis.",
            "            for epoch in epochs:\n",
            "            for epoch in epochs[:0]:\n",
        ),
        (
            "a snapshot's changes are lost",
            "A node above a snapshot counts by the genesis.",
            "        self.epochs = list(epochs)\n",
            "",
        ),
        (
            "an epoch ends one block late",
            "A stretch holds blocks whose voters nobody knows yet.",
            "if epoch.header.height >= index), maxsize)",
            "if epoch.header.height > index), maxsize)",
        ),
    ),
    *_of(
        "node/chain/chain.py",
        (
            "a change that was final waits",
            "After a power cut a node holds blocks above one that is pending, and does not start.",
            "if self.committed.height < epoch.header.height <= self.tip.height:",
            "if self.tip.height < epoch.header.height <= self.committed.height:",
        ),
        (
            "a leader builds above a pending change",
            "It proposes what its followers refuse.",
            "opens or not self.sets.pending(below), ",
            "below.height >= 0, ",
        ),
        (
            "who follows settles nothing",
            "It goes on with the voters of before.",
            "            self.settle(certificate)\n        count",
            "            self.finals.kept(height)\n        count",
        ),
    ),
    *_of(
        "node/chain/finals.py",
        (
            "a stretch over two epochs",
            "Who takes it does not know who certifies its end.",
            "min(height + STRETCH_BLOCKS, newest, self._raft_log.epoch_end(height + 1))",
            "min(height + STRETCH_BLOCKS, newest)",
        ),
    ),
    *_of(
        "node/chain/thinning.py",
        (
            "the ends of epochs are thinned",
            "Who walks from the genesis finds a change without its certificate.",
            "chain.sets.ends()",
            "frozenset()",
        ),
    ),
    *_of(
        "node/snapshots/following.py",
        (
            "it follows before all is committed",
            "Blocks that it holds are asked for again, and are in the way.",
            "return not replica.votes_here and self._driver.chain.committed.height == replica.committed",
            "return not replica.votes_here",
        ),
        (
            "who votes follows",
            "A voter takes blocks past its consensus.",
            "return not replica.votes_here and",
            "return",
        ),
        (
            "who votes is never level",
            "What waits for it to catch up waits for ever.",
            "            if not self._follows:\n                self.level.set()\n",
            "",
        ),
    ),
    *_of(
        "node/snapshots/joining.py",
        (
            "who is left without a leader stays",
            "A voter that was removed and not told stands for election for ever.",
            "if not leader and status == OK and _shows_more(driver.chain, data):",
            "if leader and status == OK and _shows_more(driver.chain, data):",
        ),
        (
            "who hears no leader ends",
            "Voters end wherever nobody leads.",
            "if not leader and status == OK and _shows_more(driver.chain, data):",
            "if not leader and status == OK:",
        ),
        (
            "who was let vote joins anew",
            "It votes again, and endorses another block where it has endorsed one.",
            "if height < 0 and self._is_voter(manifest.epochs):",
            "if height < 0 and self._is_voter(()):",
        ),
    ),
    *_of(
        "node/peers/network.py",
        (
            "who is removed goes on",
            "It asks for what it is not given, for ever.",
            "            self.on_removed()\n",
            "",
        ),
        (
            "who is suspended takes itself for removed",
            "A suspended org's node stops, and may not be started.",
            "if name == self._node and name not in self._admission.certificates:",
            "if name == self._node:",
        ),
    ),
    *_of(
        "ledger/execution/voting.py",
        (
            "two changes in a block",
            "Two sets of voters in a row may each have a majority without the other.",
            "if ledger.find(VOTERS_CHANGED, int) == tx.height:",
            "if ledger.find(VOTERS_CHANGED, int) == 0:",
        ),
        (
            "the last voter leaves",
            "Nobody certifies the next block.",
            "if _count_voters(ledger) == 1:",
            "if _count_voters(ledger) == 0:",
        ),
        (
            "one voter more than the most",
            "Every block waits for more of them.",
            "if _count_voters(ledger) >= most:",
            "if _count_voters(ledger) > most:",
        ),
    ),
    *_of(
        "ledger/succession.py",
        (
            "an epoch goes on in its own term",
            "A leader appends to an epoch that it knows to have ended.",
            "and header.term > below.term and",
            "and header.term >= below.term and",
        ),
        (
            "an epoch goes on with transactions",
            "Blocks above a change are not empty, and may change the voters again.",
            " and not block.transactions\n",
            "\n",
        ),
        (
            "nobody is left",
            "Nobody certifies the next block.",
            " if by_name else voters",
            "",
        ),
    ),
    *_of(
        "ledger/epochs.py",
        (
            "a change proves itself",
            "The new voters certify that they vote.",
            "fault = certificate_fault(epoch.certificate, header, voters)",
            "fault = certificate_fault(epoch.certificate, header, epoch.voters)",
        ),
        (
            "changes in any order",
            "One is walked twice, or from behind.",
            "above < header.height < height",
            "0 < header.height < height",
        ),
        (
            "a change below a recovery",
            "Third parties walk over voters that never were.",
            "if floor < epoch.header.height <= height)",
            "if epoch.header.height <= height)",
        ),
        (
            "an epoch's last blocks need its change",
            "A receipt of an opening block carries a change above those who certify it.",
            "return below[:-1] if below and same_change(below[-1].header, header) else below",
            "return below",
        ),
    ),
)

MUTANTS: tuple[Mutant, ...] = (
    *_ELECTION,
    *_HANDING_OVER,
    *_READ_INDEX,
    *_QUORUM,
    *_PROGRESS,
    *_RAFT_LOG,
    *_REPLICA,
    *_REPLICA_STATE,
    *_REPLICATION,
    *_DRIVER,
    *_INSPECTION,
    *_CERTIFYING,
    *_PROPOSER,
    *_FRESHNESS,
    *_REACH,
    *_FORWARDING,
    *_MEMPOOL,
    *_RAFT_LOG_STORE,
    *_STATE_STORE,
    *_CHAIN,
    *_FINALS,
    *_RECOVERING,
    *_CATCHING_UP,
    *_REBUILDING,
    *_NETWORK,
    *_MEMBERSHIP,
    *_VOTER_SETS,
    *_RECONFIGURING,
    *_EPOCHS_HERE,
)
