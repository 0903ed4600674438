"""Messages and outputs of replicas in words: short enough to be read as a conversation, exact enough to be compared.

A message is a kind and fields, `append term=2 after=3@1 entries=4@2,5@2`, and is read as it is written; `4@2` is the
place 4 of the log, of term 2. `forged=3` instead of `certified=3` brings a certificate over another history.
"""

from __future__ import annotations

from collections.abc import Callable

from consensus.messages import (
    AnyMessage,
    Append,
    AppendReply,
    AskIndex,
    HandOver,
    Result,
    TellIndex,
    VoteReply,
    VoteRequest,
)
from consensus.outputs import (
    Acknowledge,
    AnyOutput,
    Certify,
    CheckCertificate,
    Deliver,
    Endorse,
    Follow,
    Lead,
    Persist,
    ReadAt,
    ReadLost,
    Send,
)
from consensus.raft_log import RaftEntry


def an_entry(index: int, term: int) -> RaftEntry:
    """The entry of a place and a term that nobody proposed in the conversation."""
    return RaftEntry(index, term, f"{index}@{term}".encode())


def place(index: int, term: int) -> str:
    return f"{index}@{term}"


def places(entries: tuple[RaftEntry, ...]) -> str:
    return ",".join(place(entry.index, entry.term) for entry in entries)


def numbers(found: list[int]) -> str:
    return ",".join(str(number) for number in found)


def kind_of(message: AnyMessage) -> str:
    """First word of a message."""
    match message:
        case VoteRequest():
            return "pre-vote-request" if message.probe else "vote-request"
        case VoteReply():
            return "pre-vote-reply" if message.probe else "vote-reply"
        case Append():
            return "append"
        case AppendReply():
            return "append-reply"
        case HandOver():
            return "hand-over"
        case AskIndex():
            return "ask-index"
        case TellIndex():
            return "index"


def in_words(message: AnyMessage) -> str:
    """A message, without who says it to whom."""
    words = [kind_of(message), f"term={message.term}"]
    match message:
        case VoteRequest():
            words.append(f"log={place(message.last_index, message.last_term)}")
        case VoteReply():
            words.append("granted" if message.granted else "refused")
        case Append():
            words.append(f"after={place(message.previous_index, message.previous_term)}")
            words += [f"entries={places(message.entries)}"] if message.entries else []
            words += [f"certified={message.certified}"] if message.certified else []
            words += [f"final={message.newest}"] if message.newest else []
            words += [f"round={message.round}"] if message.round else []
        case AppendReply():
            words.append(f"{message.result.value}={message.index}")
            if message.result is Result.REJECTED:
                words.append(f"hint={place(message.hint_index, message.hint_term)}")
            words += [f"code={message.code}"] if message.code else []
            if message.endorsements:
                words.append(f"endorsed={numbers([index for index, _ in message.endorsements])}")
            words += [f"round={message.round}"] if message.round else []
        case HandOver():
            words.append(f"to={message.to}")
        case AskIndex():
            words.append(f"read={message.number}")
        case TellIndex():
            words += [f"read={message.number}", f"upto={message.index}"]
    return " ".join(words)


def _place(text: str) -> tuple[int, int]:
    index, _, term = text.partition("@")
    return int(index), int(term)


def from_words(sender: str, text: str, history: Callable[[int, tuple[RaftEntry, ...]], bytes]) -> AnyMessage:
    """The message that was written down. `history` is the digest up to a place of the log that is spoken of."""
    kind, *rest = text.split()
    fields = {key: value for key, _, value in (word.partition("=") for word in rest)}
    term = int(fields["term"])
    probe = kind.startswith("pre-")
    match kind:
        case "vote-request" | "pre-vote-request":
            last_index, last_term = _place(fields["log"])
            return VoteRequest(term=term, sender=sender, last_index=last_index, last_term=last_term, probe=probe)
        case "vote-reply" | "pre-vote-reply":
            return VoteReply(term=term, sender=sender, granted="granted" in fields, probe=probe)
        case "append":
            previous_index, previous_term = _place(fields["after"])
            entries = tuple(an_entry(*_place(one)) for one in fields.get("entries", "").split(",") if one)
            forged, certified = int(fields.get("forged", 0)), int(fields.get("certified", 0))
            return Append(
                term=term,
                sender=sender,
                previous_index=previous_index,
                previous_term=previous_term,
                entries=entries,
                certified=forged or certified,
                certificate=b"forged" if forged else history(certified, entries) if certified else b"",
                newest=int(fields.get("final", 0)),
                round=int(fields.get("round", 0)),
            )
        case "append-reply":
            (result,) = [one for one in Result if one.value in fields]
            hint_index, hint_term = _place(fields.get("hint", "0@0"))
            endorsed = [int(one) for one in fields.get("endorsed", "").split(",") if one]
            return AppendReply(
                term=term,
                sender=sender,
                result=result,
                index=int(fields[result.value]),
                hint_index=hint_index,
                hint_term=hint_term,
                code=fields.get("code", ""),
                endorsements=tuple((index, history(index, ())) for index in endorsed),
                round=int(fields.get("round", 0)),
            )
        case "hand-over":
            return HandOver(term=term, sender=sender, to=fields["to"])
        case "ask-index":
            return AskIndex(term=term, sender=sender, number=int(fields["read"]))
        case "index":
            return TellIndex(term=term, sender=sender, number=int(fields["read"]), index=int(fields["upto"]))
    raise ValueError(f"{kind} is no message")


def output_in_words(name: str, output: AnyOutput) -> str:
    """What a replica asks of its driver. What it sends is written down where it leaves, by `in_words`."""
    match output:
        case Persist():
            words = [name, "persists", f"term={output.term}", f"vote={output.vote or '-'}"]
            words += [] if output.truncate_from is None else [f"truncate={output.truncate_from}"]
            words += [f"entries={places(output.entries)}"] if output.entries else []
            return " ".join(words)
        case Endorse(first, last):
            return f"{name} endorses {numbers(list(range(first, last + 1)))}"
        case Certify(index, endorsements):
            return f"{name} certifies {index} endorsed by {','.join(node for node, _ in endorsements)}"
        case CheckCertificate(index, _):
            return f"{name} checks the certificate of {index}"
        case Deliver(index):
            return f"{name} delivers {index}"
        case ReadAt(number, index):
            return f"{name} answers read {number} at {index}"
        case ReadLost(number):
            return f"{name} loses read {number}"
        case Lead(term):
            return f"{name} leads term {term}"
        case Follow(term, leader):
            return f"{name} follows {leader or 'nobody'} in term {term}"
        case Send() | Acknowledge():
            raise ValueError("what is sent is a message")
