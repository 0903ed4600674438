"""Where a picture comes from, in the words of IPTC that manifests and labels share.

Source: https://cv.iptc.org/newscodes/digitalsourcetype/.
"""

from __future__ import annotations

from enum import Enum

SOURCE_TYPES = "http://cv.iptc.org/newscodes/digitalsourcetype/"
"""Before each word."""


class SourceType(Enum):
    """Those that are written here; files of others may say any word."""

    TRAINED = "trainedAlgorithmicMedia"
    """A trained model made it."""
    COMPOSED = "compositeWithTrainedAlgorithmicMedia"
    """Parts of it are a trained model's."""
    CAPTURED = "digitalCapture"
    """A camera took it."""
    SCANNED = "negativeFilm"
    """It is a scan of a photograph on film."""
    DRAWN = "digitalCreation"
    """A person made it by software."""
    SCREEN = "screenCapture"
    EDITED = "humanEdits"
    """A person changed it."""

    @property
    def uri(self) -> str:
        """As files say it."""
        return SOURCE_TYPES + self.value


GENERATED = frozenset({"trainedAlgorithmicMedia"})
PARTLY_GENERATED = frozenset(
    {"compositeWithTrainedAlgorithmicMedia", "compositeSynthetic", "composite", "algorithmicallyEnhanced"}
)
CAPTURED = frozenset(
    {
        "digitalCapture",
        "computationalCapture",
        "negativeFilm",
        "positiveFilm",
        "print",
        "compositeCapture",
    }
)
DRAWN = frozenset(
    {"digitalCreation", "digitalArt", "humanEdits", "minorHumanEdits", "softwareImage", "dataDrivenMedia"}
    | {"algorithmicMedia", "virtualRecording"}
)
WITHOUT_A_MODEL = CAPTURED | DRAWN
"""A camera or a person made it. What a screen showed is not among them: that may be anything."""
