"""Conversations with replicas: directives that make things happen, and in words what the replicas do then.

    voters a b c [elections=20] [stall=160] [batch=64]    who votes; the first directive
    begin a b [log=1,1,2] [term=3] [vote=b] [final=2] [base=1] [voters=a,b,c]    replicas begin with a log, by the terms
                                    of its entries; and with other voters than the first directive said
    tick a [3]                      so much time passes for it
    stand a                         so much time passes that it stands for election, or leads
    elect a [among=a,b]             the same, and messages arrive until it leads
    propose a DATA                  it, a leader, appends an entry
    reconfigure a b to=a,b,c,d      what became final there says that others vote from now on
    resign a [back]                 it is to stop, and to let another lead; or leads on, for nobody took over
    read a 1                        a read of that number begins at it
    hear a b MESSAGE                it hears from b what b need not have said
    deliver [first|last] [from=a] [to=b] [kind=append]    messages under way arrive, but not what comes of them
    settle [among=a,b]              messages arrive until none is under way
    drop, duplicate [first|last] [from=a] [to=b] [kind=append]    messages get lost, or will arrive twice
    crash a [before|after]          it stops: now, or before or after its next write
    restart a                       it begins a life with what its disk holds
    refuse a 3 CODE, postpone a 3 CODE    its execution will say so once of that entry
    prune a 3                       it keeps no entries up to 3
    fetch d a                       d, which does not vote or has crashed, takes all that is final at a from elsewhere
    state a b                       term, vote, role, leader, log and what is final; of a leader its followers too
    underway                        the messages that have not arrived

`quietly` before a directive leaves out what comes of it. A replica that finds a bug of its own stops, and says which.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec
from replica_words import from_words, in_words, numbers
from replicas import Cluster, Disk, Letter, Member

from consensus.errors import ConsensusBroken
from consensus.inputs import AnyInput, EntryRefused, Observed, ProposeEntry, Read, Receive, Reconfigure, Resign, Tick
from consensus.progress import FollowerProgress
from consensus.replica_state import ReplicaConfig, Role

PATIENCE = 1_000
"""Ticks or messages after which what a directive waits for does not come."""
DIRECTIVES = {
    *("voters", "begin", "crash", "restart", "prune", "fetch"),
    *("tick", "stand", "elect", "propose", "reconfigure", "resign", "read", "hear", "refuse", "postpone"),
    *("deliver", "settle", "drop", "duplicate", "state", "underway"),
}
FIELDS = {"elections": "election_ticks", "stall": "stall_ticks", "batch": "append_entries_max"}


class Conversation:
    """One conversation, from the directive `voters` on."""

    def __init__(self) -> None:
        self._cluster = Cluster(ReplicaConfig(name="", voters=()))

    def perform(self, directive: str) -> list[str]:
        """What comes of a directive, a thing a line."""
        name, *words = directive.split()
        quiet = name == "quietly"
        if quiet:
            name, *words = words
        if name not in DIRECTIVES:
            raise ValueError(f"{name} is no directive")
        self._cluster.told = []
        act: Callable[[list[str]], None] = getattr(self, f"_{name}")
        act(words)
        return [] if quiet else self._cluster.told

    # Who takes part

    def _voters(self, words: list[str]) -> None:
        names, fields = _parted(words)
        config = ReplicaConfig(name="", voters=tuple(names))
        changes = {FIELDS[key]: int(value) for key, value in fields.items()}
        self._cluster = Cluster(msgspec.structs.replace(config, **changes))

    def _begin(self, words: list[str]) -> None:
        names, fields = _parted(words)
        terms = [int(term) for term in fields.pop("log", "").split(",") if term]
        vote = fields.pop("vote", "")
        voters = tuple(voter for voter in fields.pop("voters", "").split(",") if voter)
        rest = {key: int(value) for key, value in fields.items()}
        for name in names:
            self._cluster.begin(name, Disk(terms, voters=voters, vote=vote, **rest))

    def _crash(self, words: list[str]) -> None:
        name, *when = words
        if when:
            self._member(name).crash_at = when[0]
        else:
            self._member(name).crash()

    def _restart(self, words: list[str]) -> None:
        self._member(words[0]).start()

    def _prune(self, words: list[str]) -> None:
        self._member(words[0]).disk.base = int(words[1])

    # What they are given

    def _tick(self, words: list[str]) -> None:
        name, *count = words
        for _ in range(int(count[0]) if count else 1):
            self._give(name, Tick())

    def _stand(self, words: list[str]) -> None:
        member = self._member(words[0])
        for _ in range(PATIENCE):
            told = len(self._cluster.told)
            member.give(Tick())
            if len(self._cluster.told) > told:
                return
        raise ValueError(f"{member.name} does not stand")

    def _elect(self, words: list[str]) -> None:
        name, *among = words
        self._stand([name])
        while self._member(name).alive.role is not Role.LEADER:
            if not self._deliver_next(among):
                raise ValueError(f"{name} is not elected")

    def _propose(self, words: list[str]) -> None:
        self._give(words[0], ProposeEntry(words[1].encode()))

    def _reconfigure(self, words: list[str]) -> None:
        names, fields = _parted(words)
        voters = tuple(fields["to"].split(","))
        for name in names:
            self._member(name).disk.voters = voters
            self._give(name, Reconfigure(voters))

    def _resign(self, words: list[str]) -> None:
        self._give(words[0], Resign(back="back" in words))

    def _read(self, words: list[str]) -> None:
        self._give(words[0], Read(int(words[1])))

    def _hear(self, words: list[str]) -> None:
        name, sender, *message = words
        history = self._member(name).disk.history
        self._give(name, Receive(from_words(sender, " ".join(message), history)))

    def _fetch(self, words: list[str]) -> None:
        member, source = self._member(words[0]), self._member(words[1])
        disk, replica = member.disk, source.alive
        disk.entries += source.disk.entries[disk.last_index() : replica.committed]
        disk.final = replica.committed
        if member.replica is not None:
            self._give(member.name, Observed(replica.committed, replica.term, replica.leader))

    def _refuse(self, words: list[str]) -> None:
        self._set_refusal(words, postponed=False)

    def _postpone(self, words: list[str]) -> None:
        self._set_refusal(words, postponed=True)

    def _set_refusal(self, words: list[str], *, postponed: bool) -> None:
        name, index, code = words
        self._member(name).refusals[int(index)] = EntryRefused(int(index), code, postponed)

    # Messages

    def _deliver(self, words: list[str]) -> None:
        for letter in self._chosen(words):
            self._arrive(letter)

    def _arrive(self, letter: Letter) -> None:
        cluster = self._cluster
        cluster.under_way.remove(letter)
        cluster.tell(f"{letter.to} <- {letter.sender} {in_words(letter.message)}")
        told = len(cluster.told)
        self._guarded(letter.to, lambda: cluster.arrive(letter))
        cluster.told[told:] = [f"  {line}" for line in cluster.told[told:]]

    def _settle(self, words: list[str]) -> None:
        for _ in range(PATIENCE):
            if not self._deliver_next(words):
                return
        raise ValueError("the messages do not end")

    def _deliver_next(self, words: list[str]) -> bool:
        """Let the oldest message arrive; False if none is under way."""
        _, fields = _parted(words)
        among = fields["among"].split(",") if "among" in fields else [*self._cluster.members]
        for letter in self._cluster.under_way:
            if letter.sender in among and letter.to in among:
                self._arrive(letter)
                return True
        return False

    def _drop(self, words: list[str]) -> None:
        for letter in self._chosen(words):
            self._cluster.under_way.remove(letter)
            self._cluster.tell(f"lost: {letter}")

    def _duplicate(self, words: list[str]) -> None:
        self._cluster.under_way += self._chosen(words)

    def _chosen(self, words: list[str]) -> list[Letter]:
        which, fields = _parted(words)
        if "from" in fields:
            fields["sender"] = fields.pop("from")
        found = [letter for letter in self._cluster.under_way if letter.is_of(**fields)]
        if not found:
            raise ValueError(f"no such message is under way: {' '.join(words)}")
        if which:
            found = {"first": found[:1], "last": found[-1:]}[which[0]]
        return found

    # What is seen of them

    def _state(self, words: list[str]) -> None:
        for name in words:
            self._tell_state(self._member(name))

    def _tell_state(self, member: Member) -> None:
        if member.replica is None:
            self._cluster.tell(f"{member.name} has crashed")
            return
        replica, disk = member.replica, member.disk
        log = ",".join(str(entry.term) for entry in disk.entries[disk.base :])
        words = [
            member.name,
            replica.role.value,
            f"term={replica.term}",
            f"vote={replica.vote or '-'}",
            f"leader={replica.leader or '-'}",
            f"log={log or '-'}",
            f"final={replica.committed}",
        ]
        voters = replica.config.voters
        words += [f"voters={','.join(voters)}"] if voters != self._cluster.config.voters else []
        self._cluster.tell(" ".join(words))
        for name, progress in replica.progress.items():
            self._cluster.tell(f"  {name} {_progress_in_words(progress)}")

    def _underway(self, words: list[str]) -> None:
        for letter in self._cluster.under_way:
            self._cluster.tell(str(letter))

    # Within

    def _member(self, name: str) -> Member:
        return self._cluster.members[name]

    def _give(self, name: str, given: AnyInput) -> None:
        self._guarded(name, lambda: self._member(name).give(given))

    def _guarded(self, name: str, action: Callable[[], None]) -> None:
        try:
            action()
        except ConsensusBroken as error:
            self._cluster.tell(f"{name} stops: {error}")
            self._member(name).crash()


def _parted(words: list[str]) -> tuple[list[str], dict[str, str]]:
    """Words by themselves, and those that give a field a value."""
    names = [word for word in words if "=" not in word]
    return names, {key: value for key, _, value in (word.partition("=") for word in words if "=" in word)}


def _progress_in_words(progress: FollowerProgress) -> str:
    words = [f"match={progress.match}", f"next={progress.next}", "probing" if progress.probing else "streaming"]
    words += ["paused"] if progress.probing and progress.paused else []
    words += [f"in-flight={numbers(progress.in_flight)}"] if progress.in_flight else []
    return " ".join(words)
