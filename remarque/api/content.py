"""Stored pictures, and the keys of those that are confidential."""

from __future__ import annotations

from msgspec import UNSET, UnsetType

from ledger.names import Hex32, Positive
from remarque.api.shapes import Answer, Body


class PictureFacts(Answer, frozen=True, kw_only=True):
    """What identifies a picture for its registrant."""

    pixel_digest: str
    """Of its pixels: the id that its asset will have."""
    file_digest: str
    """SHA-256 of its bytes."""
    image_code: str
    """Its ISCC Image-Code."""
    width: int
    height: int
    media_type: str


class StoredPicture(PictureFacts, frozen=True, kw_only=True):
    """A picture that a node has stored, to be registered."""

    cid: str
    """Content id of its bytes."""
    similar: tuple[str, ...] = ()
    """Recorded pictures of others that it is a near-duplicate of, the strongest and earliest evidence first."""


class MarkedPicture(StoredPicture, frozen=True, kw_only=True):
    """A picture that a node has marked and stored, to be registered as it is now."""

    size: int
    """Bytes of its file."""
    mark: str | UnsetType = UNSET
    """Of the watermark in its pixels, in hex; absent if it has none."""
    manifest: str | UnsetType = UNSET
    """Of the C2PA manifest that this node signs once it is recorded; absent if it signs none."""
    unmarked: bool = False
    """Whether it has no watermark though it was to have one: it is too smooth for one that would be read again."""


class StoredCiphertext(Answer, frozen=True, kw_only=True):
    """The ciphertext of a confidential picture that a node has stored."""

    cid: str
    """Content id of its bytes."""
    size: int
    """How many they are."""


class BeginUpload(Body, frozen=True, kw_only=True):
    """A file to come piece after piece."""

    size: Positive
    """How many bytes it will have, so that what there is no room for is refused before it is sent."""


class Upload(Answer, frozen=True, kw_only=True):
    """A file that is sent piece after piece."""

    upload: str
    """Its name until it is whole."""
    size: int
    """How many bytes of it have come."""


class KeyShare(Answer, frozen=True, kw_only=True):
    """A share of a content key."""

    node: str
    """Who released it."""
    sealed: str
    """Sealed to the reader key that the request named, hex."""


class SealedShare(Answer, frozen=True, kw_only=True):
    """A keeper's share of what opens a capsule: `threshold.DecryptionShare`, for one decision and one reader."""

    keeper: str
    """The account that keeps the share."""
    holder: int
    """Its index among the holders of the consortium's key, from 1."""
    epoch: int
    """Of the consortium's key whose share it is."""
    sealed: str
    """Sealed to the reader key that the request named, by HPKE, hex."""
    signature: str
    """The keeper's, over `ledger.capsules.ReleasedShare`: with it a false share convicts whoever released it."""


class Release(Answer, frozen=True, kw_only=True):
    """What opens a confidential picture for one request."""

    transaction: str
    """The request, decided on the chain in its reader's favour."""
    shares: tuple[KeyShare, ...]
    """Of a key that nodes hold: any one of them opens it."""
    decryption_shares: tuple[SealedShare, ...]
    """Of a key that is encapsulated to the consortium's: so many as that says open it together."""
    consortium_key: str | UnsetType = UNSET
    """The consortium's key that the decryption shares fit: `threshold.ThresholdKey`, hex."""


class AskViewing(Body, frozen=True, kw_only=True):
    """Body of `POST /v1/viewings`: a confidential picture that a node is to show."""

    asset: Hex32


class ViewingOffered(Answer, frozen=True, kw_only=True):
    """What `access.request` names, so that this node opens the picture and shows it to who asked."""

    node: str
    reader_key: str
    """This node's, for this asset and account alone; the same each time."""
    signature: str
    """The node's, over `ledger.viewing.ViewerKey`."""
