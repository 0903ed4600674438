"""What is known of a picture, in lines for people."""

from __future__ import annotations

from collections.abc import Iterator

from ledger.times import moment
from node.cli.printing import in_line
from remarque.api.verification import Compared, CredentialsFound, Match, Verification, ViewingFound

CREDENTIALS = {
    "remote_only": "they lie elsewhere, and are not fetched",
    "invalid": "they do not hold",
    "valid": "they hold; their signer is not known here",
    "trusted": "they hold, by a signer known here",
}
SAYS = {
    "nothing": "they do not say how it was made",
    "ai": "they say that a trained model made it",
    "partly_ai": "they say that parts of it may be a trained model's",
    "captured": "they say that a camera or a scanner took it",
    "made_without_ai": "they say that it was made without a trained model",
}


def found_lines(found: Verification) -> Iterator[str]:
    """The answer, line by line; the first is the whole of it in short. Nothing that others say makes a line."""
    yield from map(in_line, _lines(found))


def _lines(found: Verification) -> Iterator[str]:
    yield found.wording
    yield f"  origin: {' '.join([found.origin.verdict, *found.origin.contradictions])}"
    for match in found.matches:
        yield from _match(match)
    for one in found.withheld:
        yield f"  {one.relation}, {one.evidence}: its rules tell strangers no more"
    if found.credentials:
        yield from _credentials(found.credentials)
    if found.watermark:
        known = "recorded" if found.watermark.recorded else "of no record"
        yield f"  watermark {found.watermark.mark}, {known}; by chance once in 10^{found.watermark.chance_exponent}"
    if found.viewing:
        yield from _viewing(found.viewing)
    if found.labels:
        said = (found.labels.source_type, found.labels.system, *found.labels.settings, *found.labels.programs)
        yield f"  the file says of itself: {', '.join(filter(None, said))}"
    for detector in found.detectors:
        sure = f", {detector.confidence_ppm / 10_000:.0f} % sure" if detector.says in ("ai", "human") else ""
        yield f"  {detector.name}, another's detector, which decides nothing: {detector.says}{sure} {detector.evidence}"
    if found.pictures:
        each = ", ".join(f"{one.number} {one.role}" for one in found.pictures)
        yield f"  the file holds several pictures: {each}"


def _viewing(viewing: ViewingFound) -> Iterator[str]:
    yield f"  a copy that a node showed to one reader, of {viewing.asset or 'what its rules do not tell strangers'}"
    if viewing.seen:
        seen = viewing.seen
        said = f"to {seen.account} by {seen.node}, {moment(seen.time_ms)}, transaction {seen.transaction}"
        yield f"    {said}; purpose: {seen.purpose or 'none stated'}"


def _match(match: Match) -> Iterator[str]:
    named = [one.name or one.digest[:16] for one in (match.model, *match.adapters) if one]
    near = f"{match.distance} of 256 bits apart, " if isinstance(match.distance, int) else ""
    frame = f", picture {match.frame} of the file" if match.frame else ""
    yield (
        f"  {match.relation}{frame}: {match.evidence} by {match.creator}, {moment(match.recorded_ms)}, "
        f"{' with '.join(named) or 'no model stated'}, {near}asset {match.asset}"
    )
    if match.compared:
        yield f"    {_placed(match.compared)}"
        for region in match.compared.altered:
            (left, top), (right, bottom) = ((one.x_ppm / 10_000, one.y_ppm / 10_000) for one in region.in_brought)
            box = f"from {left:.0f} % across and {top:.0f} % down to {right:.0f} % and {bottom:.0f} %"
            yield f"    altered {box}, {region.area_ppm / 10_000:.0f} % of it"
    for dispute in match.disputes or ():
        yield f"    {dispute.org} disputes it ({dispute.account}): {dispute.reason}"
        yield f"    evidence {dispute.evidence}; recorded as {match.recorded_evidence}"


def _placed(compared: Compared) -> str:
    place = compared.place
    said = [f"shows {place.part_of_recorded_ppm / 10_000:.0f} % of it"]
    if place.part_of_brought_ppm < 990_000:
        said.append(f"which is {place.part_of_brought_ppm / 10_000:.0f} % of what you brought")
    if abs(place.rotation_centi) >= 50:
        said.append(f"turned by {place.rotation_centi / 100:.0f} degrees")
    if place.mirrored:
        said.append("mirrored")
    said.append(f"found by its {compared.found_by}, {compared.correlation_ppm / 10_000:.0f} % alike")
    return ", ".join(said)


def _credentials(credentials: CredentialsFound) -> Iterator[str]:
    by = f" by {credentials.signer}" if credentials.signer else ""
    yield f"  Content Credentials{by}: {CREDENTIALS[credentials.state]}; {SAYS[credentials.says]}"
    for one in credentials.ingredients:
        if one.state == "invalid":
            yield f"    made from {one.title or 'a file'}, whose own do not hold: {', '.join(one.failures)}"
    if credentials.failures:
        yield f"    {', '.join(credentials.failures)}"
