"""What several witnesses of one picture say together about whether it is AI-made.

The records of the chain, the file's C2PA credentials, the watermark in its pixels and the file's own labels each say
something, and they need not agree: a manifest may be valid and say that a camera took what a watermark shows to be
generated. So the answer is a named verdict with the named contradictions, for each combination of what is said. The
strongest witness leads; what is said otherwise is always named with it; and where two of them that cannot both be right
are each proven, neither leads. `docs/verify.md` has the whole table, written from this module.
"""

from __future__ import annotations

from itertools import product
from typing import Literal, NamedTuple, get_args

from remarque.api.verification import Contradiction, Origin, OriginVerdict

RecordSays = Literal["nothing", "attested", "declared", "declared_ai", "declared_human"]
"""What the strongest record of the picture is: none; a generator's attestation; or a member's word, about AI or not."""
CredentialSays = Literal["nothing", "broken", "silent", "ai", "human", "trusted_silent", "trusted_ai", "trusted_human"]
"""What the file's manifest is and says: trusted if its signer is known here, else anybody may have signed it."""
MarkSays = Literal["nothing", "agrees", "of_attested", "of_declared", "of_another", "unknown"]
"""Whose the watermark is: that of the strongest record; of an attested one, while nothing attested is confirmed; of a
declared one, while nothing is confirmed; of another record that is no stronger; or of no record."""
LabelSays = Literal["nothing", "ai", "human"]
"""What the file says of itself, unsigned."""


class Witnessed(NamedTuple):
    """What all witnesses say of one picture."""

    record: RecordSays
    credentials: CredentialSays
    mark: MarkSays
    label: LabelSays
    altered: bool
    """Whether a part of it differs from the record's."""


def every_case() -> list[Witnessed]:
    """All that can be said, in one order; `altered` only where there is a record to differ from."""
    ways = product(*(get_args(each) for each in (RecordSays, CredentialSays, MarkSays, LabelSays)), (False, True))
    return [said for said in (Witnessed(*way) for way in ways) if _can_be(said)]


def judge(said: Witnessed) -> Origin:
    """The verdict, and everything that is said otherwise."""
    verdict = _verdict(said)
    return Origin(verdict=verdict, contradictions=tuple(_contradictions(said, verdict)))


def _can_be(said: Witnessed) -> bool:
    if said.record == "nothing":
        return not said.altered and said.mark not in ("agrees", "of_another")
    return said.mark != "of_declared" and (said.record != "attested" or said.mark != "of_attested")


def _verdict(said: Witnessed) -> OriginVerdict:
    proven_ai = said.record == "attested" or said.credentials == "trusted_ai"
    if said.credentials == "trusted_human" and (proven_ai or said.mark == "of_attested"):
        return "contradicted"
    if said.record == "attested":
        return "ai_attested_altered" if said.altered else "ai_attested"
    if said.credentials == "trusted_ai":
        return "ai_by_credentials"
    if said.mark == "of_attested":
        return "ai_by_watermark"
    if said.credentials == "trusted_human":
        return "human_by_credentials"
    return _declared(said)


def _declared(said: Witnessed) -> OriginVerdict:
    """Where nothing is proven: what somebody says of it. Whoever hides that it is AI-made does not say that it is."""
    words = (said.record, said.credentials, said.label)
    if "declared_ai" in words or "ai" in words:
        return "ai_declared"
    if "declared_human" in words or "human" in words:
        return "human_declared"
    return "unknown" if said.record == "nothing" else "recorded"


def _contradictions(said: Witnessed, verdict: OriginVerdict) -> list[Contradiction]:
    """What is said against the verdict, or against what it rests on, the strongest first."""
    ai = verdict.startswith("ai_") or verdict == "contradicted"
    human = verdict.startswith("human_")
    found: list[tuple[bool, Contradiction]] = [
        (ai and said.credentials in ("human", "trusted_human"), "credentials_say_human"),
        (human and said.credentials in ("ai", "trusted_ai"), "credentials_say_ai"),
        (ai and said.record == "declared_human", "record_says_human"),
        (human and said.record == "declared_ai", "record_says_ai"),
        (said.mark == "of_another", "watermark_of_another"),
        (ai and said.label == "human", "label_says_human"),
        (human and said.label == "ai", "label_says_ai"),
        (said.mark == "unknown", "watermark_unknown"),
        (said.credentials == "broken", "credentials_broken"),
        (said.altered, "altered"),
    ]
    return [name for holds, name in found if holds]


SAID_OF_ORIGIN: dict[OriginVerdict, str] = {
    "ai_attested": " A generator attests that it made the picture for {creator}.",
    "ai_attested_altered": " A generator attests that it made the recorded picture for {creator}; a part of what you "
    "brought is not in that.",
    "ai_by_credentials": " Its Content Credentials, by a signer known here, say that it is AI-made.",
    "ai_by_watermark": " The watermark in it is that of a picture that a generator attests.",
    "ai_declared": " It is declared to be AI-made; nobody attests it.",
    "human_by_credentials": " Its Content Credentials, by a signer known here, say that a camera or a person made it.",
    "human_declared": " It is declared to be made by a camera or a person; nobody attests it.",
    "recorded": " {creator} declares it; nobody attests how it was made.",
    "contradicted": " Whether it is AI-made is contradicted: one proven witness says that it is, another that a camera "
    "or a person made it.",
    "unknown": "",
}
"""What a verdict says to people; `{creator}` is the account that the strongest record names."""

SAID_OTHERWISE: dict[Contradiction, str] = {
    "credentials_say_human": " Its Content Credentials say that a camera or a person made it.",
    "credentials_say_ai": " Its Content Credentials say that it is AI-made.",
    "record_says_human": " Its record declares that a camera or a person made it.",
    "record_says_ai": " Its record declares that it is AI-made.",
    "watermark_of_another": " The watermark in it is that of another recorded picture: one of them was carried over.",
    "label_says_human": " Its own labels, which nobody signed, say that a camera or a person made it.",
    "label_says_ai": " Its own labels, which nobody signed, say that it is AI-made.",
    "watermark_unknown": " It has a watermark of this consortium that no record names.",
    "credentials_broken": " Its Content Credentials are broken: do not rely on them.",
    "altered": " A part of it is not in the recorded picture: look at where.",
}
"""What a contradiction says to people."""
