"""A match as it is told: a record with its evidence, its receipt, and how the picture lies in it."""

from __future__ import annotations

from msgspec import UNSET, UnsetType

from ledger import records
from ledger.actions import AttestAsset, RegisterGenerated
from ledger.execution.policy import may
from ledger.execution.view import Ledger
from ledger.names import org_of
from ledger.receipt import Receipt
from ledger.transaction import Transaction
from node.chain.chain import Chain
from node.chain.reading import Reading
from node.decoding.asking import MarkFacts
from node.verification.ranking import Found
from pictures.alteration import Altered
from pictures.comparing import PictureComparison
from pictures.transform import Corners, Sides
from remarque.api.verification import AlteredRegion, Attested, Compared, Match, MatchedModel, Place, Point, ViewingFound

MILLION = 1_000_000


class Matches:
    """Describes records for those who ask."""

    def __init__(self, chain: Chain, reading: Reading) -> None:
        self._chain = chain
        self._reading = reading

    def open_to_strangers(self, record: records.Asset) -> bool:
        """Whether the rules in force let a stranger be told of a record."""
        ledger, header = self._chain.ledger(), self._chain.committed
        fuel = self._chain.version(header.height).decision_fuel_max
        return may(ledger, record, "verify", "", header.height, header.time_ms, fuel)

    def viewing_of(self, mark: MarkFacts | None) -> records.Viewing | None:
        """The viewing that a watermark is of."""
        return self._chain.ledger().find(records.viewing_key(mark.mark), records.Viewing) if mark else None

    def viewing_told(self, viewing: records.Viewing, who: str, *, member: bool) -> ViewingFound:
        """What is told of a viewing. `who` brings the picture: an account, or an address."""
        ledger = self._chain.ledger()
        record = ledger.asset(viewing.asset)
        concerned = org_of(who) in (org_of(record.creator), org_of(ledger.owner(record))) or who == viewing.account
        return ViewingFound(
            asset=record.id if member or self.open_to_strangers(record) else UNSET,
            seen=viewing if member and concerned else UNSET,
        )

    async def told(self, found: Found, *, member: bool) -> Match:
        """All that is told of a record that was found."""
        record = found.record
        return Match(
            asset=record.id,
            relation=found.relation,
            evidence=record.evidence_level,
            creator=record.creator,
            registrant=record.registrant,
            recorded_ms=record.created_ms,
            height=record.height_recorded,
            confidential=record.confidential,
            distance=UNSET if found.distance is None else found.distance,
            frame=UNSET if found.frame is None else found.frame,
            compared=_compared(found.comparison),
            receipt=await self._receipt(record.transaction, member),
            recorded_evidence=record.evidence if record.disputed_by else UNSET,
            disputes=open_disputes(self._chain.ledger(), record) if record.disputed_by else UNSET,
            attested=await self._attested(record, member),
            model=self._model(record),
            adapters=tuple(self._named(one.model) for one in record.adapters_used),
            title=record.title,
            credit=record.credit,
            similar=record.similar,
            source_type=record.source_type,
        )

    async def _attested(self, record: records.Asset, member: bool) -> Attested | UnsetType:
        if not isinstance(record.attested_in, str) or not isinstance(record.attested_by, str):
            return UNSET
        return Attested(by=record.attested_by, receipt=await self._receipt(record.attested_in, member))

    def _model(self, record: records.Asset) -> MatchedModel | UnsetType:
        return self._named(record.model) if isinstance(record.model, str) else UNSET

    def _named(self, digest: str) -> MatchedModel:
        model = self._chain.ledger().find(records.model_key(digest), records.Model)
        if model is None:
            return MatchedModel(digest=digest)
        return MatchedModel(digest=digest, name=model.name, version=model.version, provider=model.provider)

    async def _receipt(self, transaction: str, member: bool) -> Receipt | None:
        """Of a transaction that recorded a picture; for a stranger only if nothing in it is for members alone."""
        place = self._chain.state.locate(transaction)
        if place is None or place[0] <= self._chain.finals.oldest:
            return None
        receipt = await self._reading.receipt(*place)
        return receipt if member or is_for_all(receipt.signed.transaction) else None


def is_for_all(transaction: Transaction) -> bool:
    """Whether a transaction did nothing but record a picture, and names nobody who may read a setting of it.

    A receipt holds its whole transaction, so there is nothing to leave out of it.
    """
    if len(transaction.actions) != 1 or transaction.memo is not UNSET:
        return False
    ask = transaction.actions[0]
    reading = ask.request.reading if isinstance(ask, RegisterGenerated | AttestAsset) else ()
    return not any(one.readers for one in reading)


def open_disputes(ledger: Ledger, asset: records.Asset) -> tuple[records.Dispute, ...]:
    """Who disputes an asset now, and why; by org."""
    found = (ledger.find(records.dispute_key(asset.id, org), records.Dispute) for org in asset.disputed_by)
    return tuple(dispute for dispute in found if dispute is not None)


def _compared(comparison: PictureComparison | None) -> Compared | UnsetType:
    if comparison is None:
        return UNSET
    transform, agreement = comparison.transform, comparison.agreement
    place = Place(
        rotation_centi=round(100 * transform.rotation),
        mirrored=transform.mirrored,
        recorded_width=transform.recorded[0],
        recorded_height=transform.recorded[1],
        brought_width=transform.brought[0],
        brought_height=transform.brought[1],
        scale_ppm=round(MILLION * transform.scale),
        in_recorded=_points(transform.shown, transform.recorded),
        in_brought=_points(transform.lies, transform.brought),
        part_of_recorded_ppm=round(MILLION * min(1.0, transform.part_shown)),
        part_of_brought_ppm=round(MILLION * min(1.0, transform.part_of_brought)),
    )
    return Compared(
        found_by=comparison.step,
        correlation_ppm=round(MILLION * agreement.correlation),
        structure_ppm=round(MILLION * agreement.structure),
        bits=UNSET if agreement.bits is None else agreement.bits,
        corners=UNSET if agreement.inliers is None else agreement.inliers,
        place=place,
        altered=tuple(_altered(one, transform.brought, transform.recorded) for one in comparison.alterations.regions),
    )


def _altered(region: Altered, brought: Sides, recorded: Sides) -> AlteredRegion:
    return AlteredRegion(
        in_recorded=_points((region.recorded[:2], region.recorded[2:]), recorded),
        in_brought=_points((region.brought[:2], region.brought[2:]), brought),
        area_ppm=round(MILLION * region.area),
    )


def _points(corners: Corners, sides: Sides) -> tuple[Point, ...]:
    return tuple(Point(x_ppm=_part(x, sides[0]), y_ppm=_part(y, sides[1])) for x, y in corners)


def _part(place: float, side: int) -> int:
    return round(MILLION * min(1.0, max(0.0, place / side)))
