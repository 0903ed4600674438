"""A picture is fetched from a public https address, and nothing else is reached through a node."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import pytest
from aiohttp import web
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.x509.oid import NameOID

from node.verification import fetching
from node.verification.fetching import Fetcher, is_public
from remarque.errors import NodeCode, NodeError

BYTES_MAX = 100_000


@pytest.fixture(scope="module")
def contexts(tmp_path_factory: pytest.TempPathFactory) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """Of a server named localhost, and of whoever believes it."""
    key, now, file = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC), tmp_path_factory.mktemp("tls") / "pem"
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, SHA256())
    )
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    file.write_bytes(secret + certificate.public_bytes(serialization.Encoding.PEM))
    server, client = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH), ssl.create_default_context(cafile=str(file))
    server.load_cert_chain(file)
    return server, client


class Site:
    """A server on this machine, and a fetcher that may reach it."""

    def __init__(self, port: int, tls: ssl.SSLContext) -> None:
        self.port = port
        self.tls = tls
        self.asked: list[str] = []

    def url(self, path: str) -> str:
        return f"https://localhost:{self.port}{path}"

    def fetcher(self, allowed: Callable[[str], bool] = lambda address: True) -> Fetcher:
        return Fetcher(BYTES_MAX, allowed=allowed, port=self.port, tls=self.tls)


@asynccontextmanager
async def a_site(contexts: tuple[ssl.SSLContext, ssl.SSLContext], elsewhere: str = "") -> AsyncIterator[Site]:
    async def answered(request: web.Request) -> web.StreamResponse:
        site.asked.append(request.path)
        if request.path == "/picture":
            assert "Cookie" not in request.headers
            return web.Response(body=b"a picture", headers={"Set-Cookie": "a=b"})
        if request.path == "/endless":
            return web.Response(body=bytes(BYTES_MAX + 1))
        if request.path.startswith("/round"):
            return web.Response(status=302, headers={"Location": "/round"})
        if request.path == "/moved":
            return web.Response(status=301, headers={"Location": elsewhere or "/picture"})
        return web.Response(status=404)

    application = web.Application()
    application.router.add_route("*", "/{path:.*}", answered)
    runner = web.AppRunner(application)
    await runner.setup()
    listening = web.TCPSite(runner, "localhost", 0, ssl_context=contexts[0])
    await listening.start()
    site = Site(runner.addresses[0][1], contexts[1])
    try:
        yield site
    finally:
        await runner.cleanup()


def fetched(contexts: tuple[ssl.SSLContext, ssl.SSLContext], path: str, elsewhere: str = "") -> bytes:
    async def story() -> bytes:
        async with a_site(contexts, elsewhere) as site:
            return await site.fetcher().fetched(site.url(path))

    return asyncio.run(story())


@pytest.mark.parametrize("path", ["/picture", "/moved"])
def test_a_picture_is_fetched_and_redirects_are_followed(
    contexts: tuple[ssl.SSLContext, ssl.SSLContext], path: str
) -> None:
    assert fetched(contexts, path) == b"a picture"


@pytest.mark.parametrize(
    ("path", "elsewhere", "refused"),
    [
        ("/nothing", "", "URL_FAILED: the server answers 404"),
        ("/round", "", "URL_FAILED: it redirects more than 3 times"),
        ("/endless", "", f"IMAGE_TOO_LARGE: over {BYTES_MAX} bytes"),
        ("/moved", "http://localhost/picture", "URL_REFUSED: only addresses that begin with https://"),
        ("/moved", "https://user@localhost/picture", "URL_REFUSED: an address with a user"),
        ("/moved", "https://localhost:22/", "URL_REFUSED: an address with a user or another port"),
        ("/moved", "file:///etc/passwd", "URL_REFUSED: only addresses that begin with https://"),
    ],
)
def test_what_does_not_lead_to_a_picture_is_refused(
    contexts: tuple[ssl.SSLContext, ssl.SSLContext], path: str, elsewhere: str, refused: str
) -> None:
    with pytest.raises(NodeError, match=refused):
        fetched(contexts, path, elsewhere)


def test_a_host_with_any_address_that_is_not_public_is_not_connected_to(
    contexts: tuple[ssl.SSLContext, ssl.SSLContext],
) -> None:
    async def story() -> list[str]:
        async with a_site(contexts) as site:
            with pytest.raises(NodeError, match="URL_REFUSED: localhost has an address that is not public"):
                await site.fetcher(is_public).fetched(site.url("/picture"))
            with pytest.raises(NodeError, match=r"URL_REFUSED: 127\.0\.0\.1 is no public address"):
                await site.fetcher(is_public).fetched(f"https://127.0.0.1:{site.port}/picture")
            return site.asked

    assert asyncio.run(story()) == []


def test_a_server_that_nobody_vouches_for_is_not_believed(contexts: tuple[ssl.SSLContext, ssl.SSLContext]) -> None:
    async def story() -> None:
        async with a_site(contexts) as site:
            await Fetcher(BYTES_MAX, allowed=lambda address: True, port=site.port).fetched(site.url("/picture"))

    with pytest.raises(NodeError) as refused:
        asyncio.run(story())
    assert refused.value.code is NodeCode.URL_FAILED


def test_a_slow_server_is_given_up(
    contexts: tuple[ssl.SSLContext, ssl.SSLContext], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetching, "SECONDS_MAX", 0.0)

    with pytest.raises(NodeError, match="URL_FAILED: it took over"):
        fetched(contexts, "/picture")


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("93.184.216.34", True),
        ("2606:2800:220:1:248:1893:25c8:1946", True),
        *((one, False) for one in ("127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "0.0.0.0")),
        *((one, False) for one in ("100.64.0.1", "224.0.0.1", "255.255.255.255", "192.0.2.1", "198.18.0.1")),
        *((one, False) for one in ("::1", "::", "fe80::1", "fe80::1%eth0", "fc00::1", "ff02::1", "2001:db8::1")),
        *(
            (one, False)
            for one in ("::ffff:127.0.0.1", "::ffff:10.0.0.1", "2002:7f00:1::", "64:ff9b:1::", "64:ff9b::a00:1")
        ),
    ],
)
def test_which_addresses_are_public(address: str, public: bool) -> None:
    assert is_public(address) is public
