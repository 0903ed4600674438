"""Depots as the settings name them."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from obstore.exceptions import BaseError
from obstore.store import LocalStore, from_url

from node.depots.depot import Depot
from node.depots.kubo import KuboDepot
from node.depots.object_stores import ObjectDepot
from node.depots.pinning import PinningDepot
from node.ground.config import DepotSection
from remarque.errors import NodeCode, NodeError
from remarque.text_files import text_in

NAME = re.compile(r"[a-z][a-z0-9_-]{0,31}")
SCHEMES = ("s3", "gs", "az")
CONNECT_SECONDS, REQUEST_SECONDS = "5s", "60s"
RETRIES_MAX = 2


def open_depots(sections: tuple[DepotSection, ...], home: Path, origins: tuple[str, ...]) -> dict[str, Depot]:
    """The depots by their names. CONFIG_INVALID names the one that cannot be, and why. Nothing is asked of them.

    `origins`: multiaddrs of where this node gives content, for services that fetch it.
    """
    found = dict[str, Depot]()
    for section in sections:
        if not NAME.fullmatch(section.name) or section.name in found:
            raise _wrong(section, "its name is given twice, or is not of 1 to 32 small letters, digits, - and _")
        found[section.name] = _opened(section, home, origins)
    return found


def _opened(section: DepotSection, home: Path, origins: tuple[str, ...]) -> Depot:
    secrets = _secrets(section, home)
    if section.kind == "folder":
        return ObjectDepot(section.name, LocalStore(prefix=str((home / section.url).absolute()), mkdir=True))
    if section.kind == "ipfs":
        if not _is_address(section.url):
            raise _wrong(section, "url is the address of Kubo's RPC, such as http://127.0.0.1:5001")
        return KuboDepot(section.name, section.url, str(secrets.get("authorization", "")))
    if section.kind == "pinning":
        if not (_is_address(section.url) and _is_address(section.endpoint)):
            raise _wrong(section, "url is the service's address, and endpoint a gateway's that gives what it keeps")
        authorization = str(secrets.get("authorization", ""))
        return PinningDepot(section.name, section.url, section.endpoint, authorization, origins)
    if urlsplit(section.url).scheme not in SCHEMES:
        raise _wrong(section, f"url begins with {', '.join(f'{one}://' for one in SCHEMES)}")
    return _object_store(section, secrets)


def _is_address(url: str) -> bool:
    return urlsplit(url).scheme in ("http", "https")


def _object_store(section: DepotSection, secrets: dict[str, Any]) -> Depot:
    config = dict(secrets)
    if section.url.startswith("s3:"):
        config["disable_bulk_delete"] = True  # COS wants a digest that nothing sends; a depot deletes one at a time
    if section.endpoint:
        config["endpoint"] = _endpoint(section)
    if section.region:
        config["region"] = section.region
    if section.virtual_hosted:
        config["virtual_hosted_style_request"] = True
    open_url: Any = from_url  # typed for each provider apart
    client = {
        "allow_http": section.endpoint.startswith("http://"),
        "connect_timeout": CONNECT_SECONDS,
        "timeout": REQUEST_SECONDS,
    }
    try:
        store = open_url(section.url, config=config, client_options=client, retry_config={"max_retries": RETRIES_MAX})
    except (BaseError, ValueError) as error:
        raise _wrong(section, str(error)) from None
    return ObjectDepot(section.name, store)


def _endpoint(section: DepotSection) -> str:
    """The address of a store; with its bucket before it where that is wanted and not done."""
    parts, bucket = urlsplit(section.endpoint), urlsplit(section.url).netloc
    if not section.virtual_hosted or parts.netloc.startswith(f"{bucket}."):
        return section.endpoint
    return str(parts._replace(netloc=f"{bucket}.{parts.netloc}").geturl())


def _secrets(section: DepotSection, home: Path) -> dict[str, Any]:
    if not section.credentials:
        return {}
    file = home / section.credentials
    try:
        if file.stat().st_mode & 0o077:
            raise _wrong(section, f"{file} may be read by others; chmod 600 it")
        return tomllib.loads(text_in(file).decode())
    except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise _wrong(section, f"credentials {file}: {error}") from None


def _wrong(section: DepotSection, why: str) -> NodeError:
    return NodeError(NodeCode.CONFIG_INVALID, f"content.depots {section.name!r}: {why}; see docs/content.md")
