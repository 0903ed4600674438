"""What the chain knows about a picture that anybody brings, and what else is known about it.

A record is found by the very file, by the same pixels, by image codes, by the watermark, or by the label of a manifest;
what is not the same pixels counts only as far as the recorded picture confirms it, laid over the one brought. A picture
that no record holds is told so with proofs of absence for both exact digests. No step ends the search, so that a weaker
finding hides no stronger one, and all that is said of whether the picture is AI-made is judged together.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import compress
from pathlib import Path

from msgspec import UNSET

from ledger import records
from ledger.actions.assets import SIMILAR_MAX
from ledger.state_answer import StateAnswer
from node.chain.chain import Chain
from node.chain.reading import Reading
from node.content.blockstore import Blockstore
from node.decoding.asking import Facts, FrameFacts
from node.decoding.lanes import NOTHING_MORE, Decoders, Lane, LookedFor
from node.verification.detectors import Detectors
from node.verification.fetching import Fetcher
from node.verification.judging import judge
from node.verification.likenesses import Likenesses
from node.verification.lookup import Candidate, Lookup
from node.verification.matches import Matches
from node.verification.ranking import Found, by_evidence, closest, fairly, in_words, verdict_of
from node.verification.witnesses import credentials_found, labels_found, said_of, watermark_found
from pictures.comparing import PictureComparison
from pictures.opening import PICTURE_BYTES_MAX
from remarque.api.verification import FilePicture, Relation, Searched, Verification, Withheld
from remarque.cid import CidInvalid
from remarque.errors import NodeCode, NodeError

MATCHES_MAX = 10
COMPARED_MAX = 16
"""Recorded pictures that are compared with the one brought: what generators attest first, then each org's in turn."""
READ_TOGETHER = 64
"""Records read in one piece of work."""
SHOWN_TO_ONE = " It is a copy of what a node showed to one reader, by a request that its mark leads to."
PART_SHOWN, PART_OF_BROUGHT = 0.9, 0.7
"""Of the recorded picture and of the one brought: where less lies in the other, one is a part of the other."""


class Verifier:
    """Answers from the committed state and from what recorded pictures are found by."""

    def __init__(
        self,
        chain: Chain,
        reading: Reading,
        blockstore: Blockstore,
        decoders: Decoders,
        likenesses: Path,
        looked_for: Callable[[], LookedFor] = lambda: NOTHING_MORE,
        fetcher: Fetcher | None = None,
        detectors: Detectors | None = None,
    ) -> None:
        """`likenesses`: the folder of what is kept of recorded pictures. `fetcher` gets pictures by their addresses;
        without one, none is fetched.
        """
        self._chain = chain
        self._reading = reading
        self._blockstore = blockstore
        self._decoders = decoders
        self._looked_for = looked_for
        self._fetcher = fetcher
        self._detectors = detectors or Detectors(())
        self._matches = Matches(chain, reading)
        self._likenesses = Likenesses(likenesses, blockstore, decoders.recorded)
        self.lookup = Lookup(chain, reading, self._likenesses)

    async def run(self) -> None:
        """Index what was recorded before the start, and what is recorded from then on, beside everything else."""
        await self.lookup.run()
        await self._likenesses.run()

    def close(self) -> None:
        """Let go of the files of what is kept."""
        self._likenesses.close()

    async def verify(self, data: bytes, who: str, *, member: bool) -> Verification:
        """What is known about a picture's bytes: every record of it, whichever way it was found.

        A stranger is told of those whose rules say so, and of the others only what they are. Whoever declares a copy of
        a picture, or its very file, is told of beside the generator that attests the picture, and never in its place.
        `who` brings it: an account, or an address.
        """
        lane = self._lane(member=member)
        with lane.room(len(data), who):
            return await self._verify(data, lane, who, member=member)

    async def verify_at(self, url: str, who: str, *, member: bool) -> Verification:
        """The same of a picture at an https address. URL_REFUSED, URL_FAILED."""
        fetcher, lane = self._fetching(), self._lane(member=member)
        with lane.room(PICTURE_BYTES_MAX, who):
            return await self._verify(await fetcher.fetched(url), lane, who, member=member)

    async def confirmed(self, data: bytes, who: str, *, member: bool) -> list[Found]:
        """The records that are shown to be of a picture, or of a part of it; the strongest and earliest first."""
        lane = self._lane(member=member)
        with lane.room(len(data), who):
            return await self._shown(data, lane)

    async def confirmed_at(self, url: str, who: str, *, member: bool) -> list[Found]:
        """The same of a picture at an https address. URL_REFUSED, URL_FAILED."""
        fetcher, lane = self._fetching(), self._lane(member=member)
        with lane.room(PICTURE_BYTES_MAX, who):
            return await self._shown(await fetcher.fetched(url), lane)

    def open_to_strangers(self, record: records.Asset) -> bool:
        """Whether the rules in force let a stranger be told of a record."""
        return self._matches.open_to_strangers(record)

    def _lane(self, *, member: bool) -> Lane:
        return self._decoders.members if member else self._decoders.strangers

    def _fetching(self) -> Fetcher:
        if self._fetcher is None:
            detail = "this node fetches no pictures (verification.by_url); send the file itself"
            raise NodeError(NodeCode.URL_REFUSED, detail)
        return self._fetcher

    async def _shown(self, data: bytes, lane: Lane) -> list[Found]:
        facts = await lane.facts(data, self._looked_for())
        self.lookup.check()
        exact, (near, _) = self._exact(facts), await self._like(facts, lane)
        return sorted([*exact, *_without(near, exact)], key=by_evidence)

    async def _verify(self, data: bytes, lane: Lane, who: str, *, member: bool) -> Verification:
        facts = await lane.facts(data, self._looked_for())
        self.lookup.check()
        # Of this very state, for blocks may be committed while codes are searched.
        height = self._chain.committed.height
        searched = Searched(codes=self.lookup.codes, pictures=len(self._likenesses), waiting=self._likenesses.waiting)
        exact = self._exact(facts)
        absence = UNSET if exact else self._absence(facts)
        near, similar = await self._like(facts, lane)
        marked = self._marked(facts)
        same = sorted([*_without(exact, near), *near, *_by_mark_alone(marked, exact, near)], key=by_evidence)
        first = _shown(same, similar)
        told = [member or self.open_to_strangers(found.record) for found in first]
        viewing = self._matches.viewing_of(facts.mark)
        origin = judge(said_of(facts, same, marked, self._is_member))
        return Verification(
            verdict=verdict_of(same, similar),
            wording=in_words(
                same,
                similar,
                absence,
                origin,
                searched.codes,
                height,
                lambda record: member or self.open_to_strangers(record),
            )
            + (SHOWN_TO_ONE if viewing else ""),
            matches=tuple([await self._matches.told(one, member=member) for one in compress(first, told)]),
            withheld=tuple(
                Withheld(relation=found.relation, evidence=found.record.evidence_level)
                for found, named in zip(first, told, strict=True)
                if not named
            ),
            origin=origin,
            credentials=credentials_found(facts.credentials, named=member),
            watermark=watermark_found(facts, marked),
            viewing=self._matches.viewing_told(viewing, who, member=member) if viewing else UNSET,
            labels=labels_found(facts.labels),
            detectors=await self._detectors.say(data) if member else (),
            pictures=_pictures(facts),
            searched=searched,
            further=len(same) + len(similar) - len(first),
            height=height,
            file_digest=facts.file_digest,
            pixel_digest=facts.pixel_digest,
            image_code=facts.main.code,
            absence=absence,
        )

    def _is_member(self, organization: str) -> bool:
        return self._chain.ledger().holds(records.org_key(organization))

    async def similar(self, facts: Facts, lane: Lane, account: str) -> tuple[str, ...]:
        """Pictures that others than an account have recorded and that one is the same as, or a part of, or altered."""
        self.lookup.check()
        near, _ = await self._like(facts, lane)
        others = [found.record.id for found in sorted(near, key=by_evidence) if found.record.creator != account]
        return tuple(others[:SIMILAR_MAX])

    def _exact(self, facts: Facts) -> list[Found]:
        """The records of the very pixels: of all that the file shows, and of each picture in it.

        Anyone may declare a digest as that of their own picture's file; only a record of the file's own pixels is about
        this file. The file may be the recorded one with the manifest that it was released with.
        """
        ledger, found = self._chain.ledger(), list[Found]()
        record = ledger.find(records.asset_key(facts.pixel_digest), records.Asset)
        if record is not None:
            files = {ledger.find(records.file_key(digest), str) for digest in (facts.file_digest, facts.bare_digest)}
            found.append(Found(record, 0, "exact_file" if record.id in files else "same_pixels"))
        for frame in _frames(facts):
            record = ledger.find(records.asset_key(frame.pixel_digest), records.Asset)
            if record is not None and all(record.id != one.record.id for one in found):
                found.append(Found(record, 0, "one_of_several", frame.number))
        return found

    def _absence(self, facts: Facts) -> StateAnswer:
        """Proof that the pixels are not recorded, and that the file is not, where that is so."""
        keys = (records.file_key(facts.file_digest), records.asset_key(facts.pixel_digest))
        return self._chain.state_answer([key for key in keys if self._chain.state.get(key) is None])

    def _marked(self, facts: Facts) -> list[records.Asset]:
        """The records that name the picture's watermark, and that of what was shown with it."""
        named = self.lookup.named(facts.mark.mark) if facts.mark else []
        viewing, ledger = self._matches.viewing_of(facts.mark), self._chain.ledger()
        return [ledger.asset(asset) for asset in dict.fromkeys([*named, *([viewing.asset] if viewing else [])])]

    async def _like(self, facts: Facts, lane: Lane) -> tuple[list[Found], list[Found]]:
        """Records whose pictures confirm that they are this one, and those that are only near."""
        near = fairly(await self._recorded(await self._candidates(facts), facts.pixel_digest))
        looked_at = [await self._confirmed(one, facts, lane) for one in near[:COMPARED_MAX]]
        same = [one for one in looked_at if one.comparison is not None]
        left = [*(one for one in looked_at if one.comparison is None), *near[COMPARED_MAX:]]
        return same, [one for one in left if one.distance is not None]

    async def _candidates(self, facts: Facts) -> list[Candidate]:
        """Recorded pictures that may be this one, whichever way they were found; each once."""
        named = [self.lookup.named(facts.mark.mark)] if facts.mark else []
        named += [self.lookup.named(manifest.label) for manifest in facts.credentials.manifests[:1]]
        found = {one.asset: one for one in await self.lookup.near(facts)}
        for asset in (asset for some in named for asset in some):
            found.setdefault(asset, Candidate(asset, None))
        return list(found.values())

    async def _recorded(self, near: list[Candidate], pixels: str) -> list[Found]:
        """The records of candidates, but for that of the very pixels; some at a time."""
        others = [one for one in near if one.asset != pixels]
        found: list[Found] = []
        for start in range(0, len(others), READ_TOGETHER):
            found += await self._reading.piece(self._read, others[start : start + READ_TOGETHER])
        return found

    def _read(self, near: Iterable[Candidate]) -> list[Found]:
        ledger = self._chain.ledger()
        return [Found(ledger.asset(one.asset), one.distance, "candidate") for one in near]

    async def _confirmed(self, found: Found, facts: Facts, lane: Lane) -> Found:
        """What was found, with what the recorded picture itself says about it."""
        if found.record.confidential:
            return found  # what is stored of it is ciphertext
        try:
            recorded = await self._blockstore.aside(self._blockstore.file, found.record.content.cid)
            kept = await self._likenesses.kept(found.record.id)
            comparison = await lane.compared(recorded, facts, found.record.id, kept)
        except NodeError as error:
            if error.code in (NodeCode.OVERLOADED, NodeCode.DECODER_FAILED):
                raise  # of this node and of now: to leave the comparison out would weaken what is answered
            return found
        except CidInvalid:
            return found
        if comparison is None:
            return found
        return found._replace(relation=_relation_of(comparison), comparison=comparison)


def _relation_of(comparison: PictureComparison) -> Relation:
    if comparison.alterations.regions:
        return "altered"
    transform = comparison.transform
    whole = transform.part_shown >= PART_SHOWN and transform.part_of_brought >= PART_OF_BROUGHT
    return "near_duplicate" if whole else "part"


def _frames(facts: Facts) -> list[FrameFacts]:
    """The pictures in a file that has several."""
    return sorted([facts.main, *facts.others], key=lambda frame: frame.number) if facts.count > 1 else []


def _pictures(facts: Facts) -> tuple[FilePicture, ...]:
    return tuple(
        FilePicture(
            number=frame.number, role=frame.role, duration_ms=frame.duration_ms, pixel_digest=frame.pixel_digest
        )
        for frame in _frames(facts)
    )


def _shown(same: list[Found], similar: list[Found]) -> list[Found]:
    """The first of all records, and the one that the words are of, however many are earlier."""
    first = [*same, *similar][:MATCHES_MAX]
    if same and closest(same) not in first:
        first[-1] = closest(same)
    return first


def _without(found: list[Found], others: list[Found]) -> list[Found]:
    """What was found, but for the records that were found in a stronger way."""
    known = {one.record.id for one in others}
    return [one for one in found if one.record.id not in known]


def _by_mark_alone(marked: list[records.Asset], *found: list[Found]) -> list[Found]:
    """Records that the watermark names and nothing else confirms, where nothing else is confirmed either."""
    if any(found):
        return []
    return [Found(record, None, "watermark") for record in marked]
