"""What is asked of the trustless gateway: a block or a CAR, of which part, in which order. Nothing is read here.

Source: the Trustless Gateway specification of IPFS. What a query says comes before what `Accept` says.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Literal, NamedTuple

from remarque.cars import MEDIA_TYPE as CAR
from remarque.errors import NodeCode, NodeError

RAW = "application/vnd.ipld.raw"
ACCEPT_CHARACTERS_MAX = 1_000
ENTITY_BYTES = re.compile(r"(-?[0-9]{1,15}):(\*|-?[0-9]{1,15})\Z", re.ASCII)

Form = Literal["raw", "car"]
Scope = Literal["block", "entity", "all"]
FORMATS: dict[str, Form] = {"raw": "raw", "car": "car"}


class EntityBytes(NamedTuple):
    """A part of a file as it is asked for, both ends included; negative: counted from the end."""

    first: int
    last: int | None
    """None: up to the end."""

    def within(self, size: int) -> tuple[int, int]:
        """From which byte to before which; (0, 0) if there are none between. REQUEST_MALFORMED if all are outside."""
        start = self.first if self.first >= 0 else max(size + self.first, 0)
        end = size if self.last is None else self.last + 1 if self.last >= 0 else size + self.last + 1
        if size and (start >= size or end <= 0):
            raise NodeError(NodeCode.REQUEST_MALFORMED, f"entity-bytes is outside of the {size} bytes that there are")
        return (start, min(end, size)) if start < min(end, size) else (0, 0)


class CarParameters(NamedTuple):
    """How a CAR is to be made, as far as it is said."""

    version: str = "1"
    order: str = "dfs"
    dups: str = "n"

    @property
    def served(self) -> bool:
        """Whether CARs are made so here. They are always in depth-first order, which is one of no known order too."""
        return self.version == "1" and self.order in ("dfs", "unk") and self.dups in ("y", "n")


class GatewayAsk(NamedTuple):
    """What is asked for."""

    form: Form
    scope: Scope = "all"
    part: EntityBytes | None = None
    dups: bool = False
    """Whether a block stands in a CAR as often as in the file."""

    @property
    def media_type(self) -> str:
        return RAW if self.form == "raw" else f"{CAR}; version=1; order=dfs; dups={'y' if self.dups else 'n'}"

    @property
    def name(self) -> str:
        """What tells this answer from others about the same content id, for an entity tag."""
        if self.form == "raw":
            return "raw"
        part = "" if self.part is None else f".{self.part.first}:{'*' if self.part.last is None else self.part.last}"
        return f"car.{self.scope}{part}.{'y' if self.dups else 'n'}"


def read_ask(
    accept: str, form: str | None, scope: Scope, entity_bytes: str | None, given: dict[str, str]
) -> GatewayAsk:
    """What is asked for, by a header and a query; `given`: the query's parameters of CARs.

    REQUEST_MALFORMED if no format is named, FORMAT_UNSERVED if none that is served.
    """
    chosen, said = _in_query(form) if form is not None else _in_header(accept[:ACCEPT_CHARACTERS_MAX])
    if chosen == "raw":
        return GatewayAsk("raw")
    parameters = said._replace(**given)
    part = None if entity_bytes is None else _entity_bytes(entity_bytes)
    return GatewayAsk("car", scope if part is None else "entity", part, parameters.dups == "y")


def _in_query(form: str) -> tuple[Form, CarParameters]:
    if form in FORMATS:
        return FORMATS[form], CarParameters()
    raise NodeError(NodeCode.FORMAT_UNSERVED, f"format={form[:40]} is not served; ask for format=raw or format=car")


def _in_header(accept: str) -> tuple[Form, CarParameters]:
    """The first format of a header that is served, by the weights that it gives."""
    named = list(_media_types(accept))
    for media, said in sorted(named, key=lambda one: -_weight(one[1])):
        if not _weight(said):
            continue
        if media == RAW:
            return "raw", CarParameters()
        parameters = CarParameters(**{name: said[name] for name in CarParameters._fields if name in said})
        if media == CAR and parameters.served:
            return "car", parameters
    if all(media == "*/*" for media, _ in named):
        detail = f"name a format: format=raw or format=car in the query, or Accept: {RAW} or {CAR}"
        raise NodeError(NodeCode.REQUEST_MALFORMED, detail)
    detail = f"{accept[:100]!r} is not served; accept {RAW}, or {CAR} of version 1 in the order dfs"
    raise NodeError(NodeCode.FORMAT_UNSERVED, detail)


def _media_types(accept: str) -> Iterator[tuple[str, dict[str, str]]]:
    """The media types in a header (RFC 9110, 12.5.1), each with its parameters."""
    for item in filter(str.strip, accept.split(",")):
        media, *parameters = (part.strip() for part in item.split(";"))
        named = (parameter.partition("=") for parameter in parameters)
        yield media.lower(), {name.strip().lower(): value.strip().strip('"') for name, _, value in named}


def _weight(said: dict[str, str]) -> float:
    return float(said["q"]) if re.fullmatch(r"[01](\.[0-9]{0,3})?", said.get("q", "")) else 1.0


def _entity_bytes(text: str) -> EntityBytes:
    found = ENTITY_BYTES.match(text)
    if found is None:
        raise NodeError(NodeCode.REQUEST_MALFORMED, f"entity-bytes={text[:40]!r}; write FROM:TO or FROM:*")
    return EntityBytes(int(found[1]), None if found[2] == "*" else int(found[2]))
