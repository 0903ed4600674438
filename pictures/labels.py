"""What files declare of where their picture comes from: read out of any, and written into one.

A label is a word that anybody may write or leave out; it proves nothing, and is what most of the world reads: IPTC's
digital source type, in an XMP packet, and the fields by which a generated picture tells of its provider, its system,
its time and its number. Writing touches neither pixels nor anything else that the file says.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from xml.sax.saxutils import escape, unescape

from pictures.containers.kinds import container_of
from pictures.containers.parts import SaidInside
from pictures.containers.xmp import packet_of, with_packet
from pictures.embedded import CONTAINERS, said_in
from pictures.errors import PictureCode, PictureError
from pictures.opening import reading
from pictures.source_types import GENERATED, PARTLY_GENERATED, SOURCE_TYPES, SourceType

TEXT_MAX = 2_000
"""Characters of a text that is told of."""
TEXTS_MAX = 16

_EXT = "http://iptc.org/std/Iptc4xmpExt/2008-02-29/"
_RDF_END = re.compile(rb"</(?:[A-Za-z][\w.-]*:)?RDF\s*>")
_SOURCE = re.compile(rb"DigitalSourceType(?:\s*=\s*[\"']|\s*>|\s+[\w.-]+:resource\s*=\s*[\"'])\s*([^<>\"'\s]{1,300})")
_SYSTEM = re.compile(rb"AISystemUsed(?:\s*=\s*[\"']|\s*>\s*)([^<>\"']{1,300})")
_GENERATORS = {
    "text parameters": "AUTOMATIC1111",
    "text prompt": "ComfyUI",
    "text workflow": "ComfyUI",
    "text Dream": "InvokeAI",
    "text invokeai_metadata": "InvokeAI",
    "text sd-metadata": "InvokeAI",
}
"""What holds a generator's settings, by the name it has there, and whose way of writing them that is."""
_SETTINGS = re.compile(r"\bSteps: \d+, .*\bSeed: \d+", re.DOTALL)
"""How AUTOMATIC1111 writes settings, in an EXIF comment where there are no text chunks."""
_SETTINGS_MAX = 10_000
"""Characters in which they are looked for."""
_PROGRAMS = ("software", "text Software", "maker of the camera", "camera")


@dataclass(frozen=True)
class Label:
    """What is written into a file."""

    source: SourceType
    provider: str = ""
    """Who answers for the system that made the picture."""
    system: str = ""
    version: str = ""
    made_at: datetime | None = None
    """With its time zone."""
    unique_id: str = ""
    """Of the picture: the label of its manifest."""


@dataclass(frozen=True)
class DeclaredLabels:
    """What a file declares, none of it checked by anything."""

    source_type: str
    """IPTC's word, or the whole URI if it is another's; empty if there is none."""
    system: str
    """The AI system that IPTC's field names, or whose settings the file has."""
    settings: tuple[SaidInside, ...]
    """Prompts and settings that a generator left."""
    programs: tuple[SaidInside, ...]
    """Software and camera, as EXIF names them."""

    @property
    def says_generated(self) -> bool:
        """Whether the file declares that a trained model made the picture, or a part of it."""
        return self.source_type in GENERATED | PARTLY_GENERATED or bool(self.system or self.settings)


def labelled(data: bytes, label: Label) -> bytes:
    """A PNG, JPEG, WebP, AVIF or TIFF with a label, and with all that it had.

    NOT_LABELLED for another container, or one whose own packet has no place for it, or says another source type.
    """
    container, fields = container_of(data), _fields(label)
    packet = packet_of(container, data)
    said = _source_in(packet)
    if said and said != label.source.value:
        raise _not_labelled(f"the file says that its picture is {said}; leave that, or say the same")
    ends = list(_RDF_END.finditer(packet))
    if packet and not ends:
        raise _not_labelled("the file's own XMP does not end as RDF does; save the picture without it")
    if ends:
        at = ends[-1].start()
        packet = packet[:at] + _description(fields).encode() + packet[at:]
    else:
        packet = _PACKET.format(description=_description(fields)).encode()
    try:
        return with_packet(container, data, packet)
    except (struct.error, IndexError, KeyError) as error:
        raise _not_labelled(f"{error}"[:200]) from None


def declared_labels(data: bytes) -> DeclaredLabels:
    """What a file declares; nothing of a file that is none of those read here. Whatever the bytes are, none raises."""
    container = container_of(data)
    packet, said = packet_of(container, data), _said(container, data)
    settings = [
        one
        for one in said
        if one.what in _GENERATORS or (one.what == "comment" and _SETTINGS.search(one.text[:_SETTINGS_MAX]))
    ]
    named = _SYSTEM.search(packet)
    system = unescape(named[1].decode("utf-8", "replace")).strip() if named else ""
    if settings and not system:
        system = _GENERATORS.get(settings[0].what, "AUTOMATIC1111")
    programs = [one for one in said if one.what in _PROGRAMS]
    return DeclaredLabels(_source_in(packet), system, _bounded(settings), _bounded(programs))


def _said(container: str, data: bytes) -> list[SaidInside]:
    """What a file says beside its pixels; nothing if it cannot be taken apart."""
    try:
        with reading():
            return list(said_in(container, data)) if container in CONTAINERS else []
    except PictureError:
        return []


def _bounded(said: Iterable[SaidInside]) -> tuple[SaidInside, ...]:
    return tuple(SaidInside(one.what, one.text[:TEXT_MAX]) for one in said)[:TEXTS_MAX]


def _source_in(packet: bytes) -> str:
    found = _SOURCE.search(packet)
    return found[1].decode("utf-8", "replace").removeprefix(SOURCE_TYPES) if found else ""


def _not_labelled(fact: str) -> PictureError:
    return PictureError(PictureCode.NOT_LABELLED, fact)


def _fields(label: Label) -> dict[str, str]:
    """By their names in XMP: those of IPTC 2025.1, and of XMP's basic schema."""
    made_at = label.made_at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if label.made_at else ""
    fields = {
        "Iptc4xmpExt:DigitalSourceType": label.source.uri,
        "Iptc4xmpExt:AISystemUsed": label.system,
        "Iptc4xmpExt:AISystemVersionUsed": label.version,
        "Iptc4xmpExt:DigImageGUID": label.unique_id,
        "photoshop:Credit": label.provider,
        "xmp:CreateDate": made_at,
    }
    return {name: text for name, text in fields.items() if text}


def _description(fields: dict[str, str]) -> str:
    said = "".join(f"\n   <{name}>{escape(text)}</{name}>" for name, text in fields.items())
    spaces = f'xmlns:Iptc4xmpExt="{_EXT}" xmlns:photoshop="http://ns.adobe.com/photoshop/1.0/"'
    rdf = 'xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns:xmp="http://ns.adobe.com/xap/1.0/"'
    return f'  <rdf:Description rdf:about="" {rdf} {spaces}>{said}\n  </rdf:Description>\n '


_PACKET = """<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/">
 <rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
{description}</rdf:RDF>
</x:xmpmeta>
<?xpacket end="w"?>"""
