"""A node's settings: one TOML file, every setting with its default and meaning. docs/settings.md is written from here.

Paths are relative to the file. Unknown settings are refused: a misspelt one would silently not be in force.
"""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Literal

import msgspec

from remarque.errors import NodeCode, NodeError
from remarque.text_files import text_in

ORIGIN = r"https?://([a-z0-9.-]+|\[[0-9a-f:]+\])(:[0-9]{1,5})?"
"""How browsers write the origin of a page: lower case, nothing behind host and port."""


class Section(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Base of the sections."""


class NodeSection(Section, frozen=True, kw_only=True):
    """`[node]`: who this node is and where its files are."""

    name: str
    """Name of the node, in the genesis or as it is added."""
    key: str = "node.key"
    """File with the node's Ed25519 seed."""
    genesis: str = "genesis.json"
    """The consortium's genesis file."""
    data: str = "data"
    """The data directory, made by `remarque init`."""
    log_level: str = "info"
    """debug, info, warning or error."""
    disk_free_bytes_min: int = 256 * 1024 * 1024
    """With less free than this, nothing new is taken (DISK_FULL)."""


class ApiSection(Section, frozen=True, kw_only=True):
    """`[api]`: the REST port."""

    listen: str = "127.0.0.1:8100"
    """host:port; loopback, so only this machine, unless told otherwise."""
    authority: str = ""
    """Host, with its port unless that is the scheme's own, at which clients reach this node; empty: `listen`. A signed
    request must be signed for it."""
    allowed_origins: tuple[str, ...] = ()
    """Origins of web pages that may read this node's answers (CORS), such as `https://gallery.example`; `*`: of any.
    Empty: none but the node's own pages. Cookies are never allowed."""
    gateway: bool = False
    """Whether strangers are given public content by the trustless gateway of IPFS (`/ipfs`), and told that it is here
    (`/routing/v1`); members always are. See docs/content.md."""
    public_url: str = ""
    """Where the gateway is reached from outside, such as `https://node1.studio.example`; empty: at `listen`."""
    connections_max: int = 1_024
    """Connections that may be open; what is over is closed at once."""
    address_connections_max: int = 512
    """The same of one address. Behind a proxy all clients have one: set it to `connections_max` there."""
    tls_certificate: str = ""
    """PEM file; with `tls_key`, REST is served over TLS."""
    tls_key: str = ""
    """PEM file with the certificate's key."""

    @property
    def gateway_url(self) -> str:
        """The origin of the gateway, as it is told to others."""
        return self.public_url or f"{'https' if self.tls_certificate else 'http'}://{self.listen}"

    @property
    def signed_authority(self) -> str:
        """`@authority` of requests to this node: lower case, without the scheme's own port (RFC 9421, 2.2.3)."""
        return (self.authority or self.listen).lower().removesuffix(":443" if self.tls_certificate else ":80")


class PeersSection(Section, frozen=True, kw_only=True):
    """`[peers]`: the port for other nodes, and where they are."""

    listen: str = "127.0.0.1:7100"
    """host:port of this node's peer port."""
    addresses: dict[str, str] = {}
    """host:port of each other node's peer port, by node name. It comes before the address that the node's record has;
    without either a node is not called. A node that joins, and has no chain yet, asks only who is named here, and who
    has an address in `members`."""
    members: str = ""
    """File with the consortium's nodes as `remarque --json node list` prints them; this node asks them as long as its
    own chain does not know them. Empty: without a chain it asks the nodes of the genesis."""
    connections_max: int = 256
    """Connections of other nodes that may be open; what is over is closed at once, but for 16 of each address that a
    node is known to have."""


class GeneratorSection(Section, frozen=True, kw_only=True):
    """`[generator]`: absent if this node generates nothing."""

    local: bool = True
    """Whether this node has a worker of its own. Others may pull work from it in any case; see docs/operate.md."""
    account: str = ""
    """Account with the role `generator` as which the node's own worker attests and records pictures."""
    key: str = ""
    """File with that account's seed."""
    lease_seconds: int = 60
    """After how long without a word from a worker that pulls its work goes on with another; 2 to 600."""
    models: tuple[str, ...] = ()
    """Model folders; empty: the default model that ships with Remarque."""
    adapters: tuple[str, ...] = ()
    """Folders of adapters (LoRA), each with one file `.safetensors`, that may be added to the models."""
    python: str = ""
    """Interpreter that has the generator's packages; empty: this node's own."""
    queue_max: int = 64
    """Generations that may wait."""
    device: str = ""
    """`cpu`, `cuda` or `cuda:1`; empty: the first GPU if there is one. A record names the GPU."""
    offload: Literal["none", "model", "layers"] = "none"
    """What waits in the processor's memory until the GPU needs it: nothing, whole networks, or single layers."""
    spread: bool = False
    """Whether the networks of a model are spread over all GPUs."""
    attention_slicing: bool = False
    """Whether attention is computed in parts: less memory, slower, rounded differently; a record says so."""


class StorageSection(Section, frozen=True, kw_only=True):
    """`[storage]`: what a node keeps."""

    snapshot_every: int = 100_000
    """Transactions after which a snapshot is taken, for nodes that join; 0: none is."""
    keep_blocks: int = 0
    """Blocks kept behind the newest snapshot; older ones are deleted, and the node no longer shows them. 0: all."""


class DepotSection(Section, frozen=True, kw_only=True):
    """`[[content.depots]]`: somewhere beside this node's own blockstore where files are kept too."""

    name: str
    """What it is called in logs, metrics and answers."""
    kind: Literal["folder", "objects", "ipfs", "pinning"]
    """A folder; an object store (S3 and what speaks like it, Google's, Azure's); an IPFS daemon with Kubo's RPC; a
    service with IPFS's Pinning Service API."""
    url: str
    """The folder's path; `s3://BUCKET/PREFIX`, `gs://BUCKET/PREFIX` or `az://CONTAINER/PREFIX`; the address of the RPC,
    or of the service."""
    when: Literal["at_once", "later"] = "later"
    """`at_once`: what a member stores is answered when it is there; `later`: once it is recorded."""
    what: Literal["own", "all"] = "own"
    """Of whose pictures: of those that accounts of this node's org created or own, or of everybody's."""
    endpoint: str = ""
    """Address of an object store that is not at its provider's usual one, such as
    `https://cos.ap-guangzhou.myqcloud.com`; of the trustless gateway that gives what a pinning service keeps."""
    region: str = ""
    """Its region, where it has one."""
    virtual_hosted: bool = False
    """Whether the bucket's name stands before the address, as Tencent's COS wants it."""
    credentials: str = ""
    """File with what the depot asks for, as TOML: `access_key_id` and `secret_access_key` for S3, obstore's names for
    others; `authorization` for an IPFS daemon or a pinning service, such as "Bearer TOKEN". Nobody but the node's user
    may read it."""


class ContentSection(Section, frozen=True, kw_only=True):
    """`[content]`: where content is kept."""

    depots: tuple[DepotSection, ...] = ()
    """Where copies are kept; see docs/content.md."""
    scrub_bytes_per_second: int = 1024 * 1024
    """How fast copies are read again, to see whether they are still what they were; 0: they are not."""


MarkLayer = Literal["watermark", "label", "manifest", "timestamp"]
MiningRule = Literal["allowed", "notAllowed", "constrained"]


class MarksSection(Section, frozen=True, kw_only=True):
    """`[marks]`: what this node puts into pictures."""

    watermark_key: str = "watermark.key"
    """File with 32 bytes as 64 hex digits, which all members share and nobody else has: who has them can copy and
    remove watermarks. A node without the file neither puts watermarks in nor reads them."""
    credentials: str = "credentials"
    """Folder with the org's `claim.key` and `claim.pem`, which sign manifests, and `stamp.key` and `stamp.pem`, which
    sign time-stamps; see `remarque credentials`. Read anew for each signature; what is not there is not made."""
    layers: tuple[MarkLayer, ...] = ("watermark", "label", "manifest", "timestamp")
    """Which of the marks it puts in, as far as it has their keys."""
    provider: str = ""
    """Who answers for the system that generates, as labels name it; empty: the org's title."""
    mining: dict[str, MiningRule] = {}
    """What manifests say of further use: `allowed`, `notAllowed` or `constrained`, by CAWG's word for it, such as
    `cawg.ai_generative_training`."""
    timestamps_for_all: bool = False
    """Whether strangers may have digests time-stamped too, and not members only."""


class DetectorSection(Section, frozen=True, kw_only=True):
    """`[[verification.detectors]]`: a detector of somebody else's that members' pictures are shown to."""

    name: str
    url: str
    """Where the picture is sent, by POST. It answers JSON: `says` (`ai`, `human`, `unknown`), `confidence_ppm` and
    `evidence`, a text."""
    declared: str = ""
    """What its provider declares of how often it errs; told with each of its answers."""


class VerificationSection(Section, frozen=True, kw_only=True):
    """`[verification]`: what this node does for whoever brings a picture."""

    by_url: bool = False
    """Whether a picture may be named by its https address, which this node then fetches: from public hosts only."""
    anchors: str = "anchors"
    """Folder of PEM files: the roots whose Content Credentials and time-stamps are trusted, one file a provider. Read
    anew when it changes; a folder that is not there is an empty one."""
    detectors: tuple[DetectorSection, ...] = ()
    """Detectors of others, asked for members only. Whatever they say decides nothing."""


class ScittSection(Section, frozen=True, kw_only=True):
    """`[scitt]`: absent if this node registers no statements."""

    account: str
    """Account with the role `registrar` that registers statements once this node has checked them."""
    key: str
    """File with that account's seed."""


class KeeperSection(Section, frozen=True, kw_only=True):
    """`[keeper]`: absent if this node keeps no share of the consortium's key."""

    account: str
    """Account of this node's org with the role `keeper`, for ceremonies and releases. No other node may have it."""
    key: str
    """File with that account's seed."""


class ViewingSection(Section, frozen=True, kw_only=True):
    """`[viewing]`: whether this node shows confidential pictures, marked with the request."""

    enabled: bool = False
    """Whether it opens pictures for readers whom the rules let see them through a node. It needs the members'
    `marks.watermark_key`, and its operator could see what it opens; see docs/content.md."""


class Config(Section, frozen=True, kw_only=True):
    """The whole file."""

    node: NodeSection
    api: ApiSection = ApiSection()
    peers: PeersSection = PeersSection()
    storage: StorageSection = StorageSection()
    marks: MarksSection = MarksSection()
    verification: VerificationSection = VerificationSection()
    content: ContentSection = ContentSection()
    generator: GeneratorSection | None = None
    scitt: ScittSection | None = None
    keeper: KeeperSection | None = None
    viewing: ViewingSection = ViewingSection()


def load_config(path: Path) -> Config:
    """Settings from a file. CONFIG_INVALID names the setting and what it should be."""
    try:
        config = msgspec.convert(tomllib.loads(text_in(path).decode()), Config)
    except FileNotFoundError:
        raise NodeError(NodeCode.CONFIG_INVALID, f"{path} does not exist; `remarque init` writes one") from None
    except (tomllib.TOMLDecodeError, msgspec.ValidationError, UnicodeDecodeError) as error:
        raise NodeError(NodeCode.CONFIG_INVALID, f"{path}: {error}; see docs/settings.md") from None
    if config.generator is not None:
        _check_generator(path, config.generator)
    for name, address in config.peers.addresses.items():
        try:
            split_address(address)
        except NodeError as error:
            raise NodeError(NodeCode.CONFIG_INVALID, f"{path}: peers.addresses.{name}: {error.detail}") from None
    if config.api.public_url and not re.fullmatch(ORIGIN, config.api.public_url):
        detail = f"{path}: api.public_url: {config.api.public_url!r} is no origin such as https://node1.studio.example"
        raise NodeError(NodeCode.CONFIG_INVALID, detail)
    for origin in config.api.allowed_origins:
        if origin != "*" and not re.fullmatch(ORIGIN, origin):
            detail = f"{path}: api.allowed_origins: {origin!r} is no origin such as https://gallery.example, nor *"
            raise NodeError(NodeCode.CONFIG_INVALID, detail)
    return config


def _check_generator(path: Path, section: GeneratorSection) -> None:
    for holds, fault in (
        (not section.local or (section.account and section.key), "account and key are missing; or set local = false"),
        (2 <= section.lease_seconds <= 600, "lease_seconds is a number from 2 to 600"),
    ):
        if not holds:
            raise NodeError(NodeCode.CONFIG_INVALID, f"{path}: generator: {fault}")


def split_address(address: str) -> tuple[str, int]:
    """Host and port of `host:port`."""
    host, _, port = address.rpartition(":")
    if not host or not port.isascii() or not port.isdecimal() or int(port) > 65_535:
        raise NodeError(NodeCode.CONFIG_INVALID, f"{address!r} is not host:port")
    return host.strip("[]"), int(port)
