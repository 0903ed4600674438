"""Depots in an object store: a server that speaks S3, another client's view of it, and a line that breaks."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from faulty_line import Done, Fault, Line
from object_store_server import BUCKET, DOMAIN, KEY, REGION, SECRET, ObjectStore
from stored_files import SIZES, a_file, read

from node.depots import object_stores
from node.depots.depot import CopyMissing, Depot, DepotFailed, StoredFile
from node.depots.opening import open_depots
from node.ground.config import DepotSection
from remarque.errors import NodeError

pytestmark = pytest.mark.peers


def a_depot(home: Path, endpoint: str, secret: str = SECRET, key: str = KEY, **more: object) -> Depot:
    """A depot in the store's bucket, by a node's settings."""
    file = home / "store.toml"
    file.write_text(f'access_key_id = "{key}"\nsecret_access_key = "{secret}"\n')
    file.chmod(0o600)
    section = DepotSection(
        name="archive",
        kind="objects",
        url=f"s3://{BUCKET}/{home.name}",
        endpoint=endpoint,
        region=REGION,
        credentials="store.toml",
        **more,  # type: ignore[arg-type]
    )
    return open_depots((section,), home, ())["archive"]


async def put_and_read(depot: Depot, file: StoredFile) -> bytes:
    await depot.put(file)
    return await read(depot, file.shape.cid)


def test_files_lie_there_as_they_are(object_store: ObjectStore, tmp_path: Path) -> None:
    async def story() -> None:
        depot = a_depot(tmp_path, object_store.url)
        await depot.check()
        files = [a_file(size) for size in SIZES]
        for file, _ in files:
            await depot.put(file)
            await depot.put(file)
        for file, data in files:
            assert await read(depot, file.shape.cid) == data
            key = f"{tmp_path.name}/files/{file.shape.cid}"
            assert object_store.client.get_object(Bucket=BUCKET, Key=key)["Body"].read() == data
        assert sorted([cid async for cid in depot.listed()]) == sorted(file.shape.cid for file, _ in files)
        gone = files[-1][0].shape.cid
        for _ in range(2):
            await depot.delete(gone)
        with pytest.raises(CopyMissing):
            await read(depot, gone)
        assert len([cid async for cid in depot.listed()]) == len(SIZES) - 1

    asyncio.run(story())


@pytest.mark.parametrize(("key", "secret"), [(KEY, "wrong"), ("AKREADER", "readersecret"), ("AKNOBODY", SECRET)])
def test_who_may_not_write_is_told_so(key: str, secret: str, object_store: ObjectStore, tmp_path: Path) -> None:
    file, _ = a_file(5)

    with pytest.raises(DepotFailed, match="archive") as refused:
        asyncio.run(a_depot(tmp_path, object_store.url, secret, key).put(file))

    assert not isinstance(refused.value, CopyMissing)
    assert secret not in str(refused.value)


FAULTS: dict[str, Fault] = {
    "it answers 500": lambda request: Done(status=500),
    "it answers 403 to reads": lambda request: Done(status=403) if request.method == "GET" else None,
    "it is full": lambda request: Done(status=507) if request.method == "PUT" else None,
    "it hangs": lambda request: Done(hangs=True),
    "it breaks off": lambda request: Done(cut=10) if request.method == "GET" else None,
    "it lies": lambda request: Done(flipped=True) if request.method == "GET" else None,
}


@pytest.mark.parametrize("fault", FAULTS)
def test_whatever_the_store_does_ends_in_time_and_nothing_wrong_is_read(
    fault: str, object_store: ObjectStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(object_stores, "SECONDS_MAX", 5.0)
    file, data = a_file(1_500_000)

    async def story() -> None:
        line = Line(object_store.url, lambda _: None)
        async with line.open() as address:
            depot = a_depot(tmp_path, address)
            await depot.put(file)
            assert await read(depot, file.shape.cid) == data
            line.fault = FAULTS[fault]
            with pytest.raises(DepotFailed):
                await put_and_read(depot, file)
            line.fault = lambda _: None
            await depot.put(file)
            assert await read(depot, file.shape.cid) == data

    asyncio.run(story())


def strict(request: object) -> Done | None:
    """What Tencent's COS refuses: a bucket in the path, chunks signed apart, deletions of several at once."""
    host, query = request.host, request.query_string  # type: ignore[attr-defined]
    encoding = request.headers.get("content-encoding", "")  # type: ignore[attr-defined]
    chunked = "aws-chunked" in encoding or "STREAMING" in request.headers.get("x-amz-content-sha256", "")  # type: ignore[attr-defined]
    return Done(status=400) if host != f"{BUCKET}.{DOMAIN}" or chunked or query == "delete" else None


def test_a_bucket_that_stands_before_the_address_is_spoken_to_as_cos_wants_it(
    object_store: ObjectStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def story() -> None:
        line = Line(object_store.url, strict)
        async with line.open() as address:
            monkeypatch.setenv("HTTP_PROXY", address)
            monkeypatch.setenv("http_proxy", address)
            depot = a_depot(tmp_path, f"http://{DOMAIN}", virtual_hosted=True)
            for size in (5, 12_000_000):
                file, data = a_file(size)
                await depot.put(file)
                assert await read(depot, file.shape.cid) == data
                await depot.delete(file.shape.cid)
        assert {host for host, _ in line.seen} == {f"{BUCKET}.{DOMAIN}"}

    asyncio.run(story())


@pytest.mark.parametrize(
    ("settings", "why"),
    [
        ({"url": "ftp://bucket"}, "url begins with s3://"),
        ({"name": "Archive"}, "its name"),
        ({"kind": "ipfs", "url": "127.0.0.1:5001"}, "address of Kubo's RPC"),
        ({"kind": "pinning", "url": "https://pins.example"}, "a gateway's that gives"),
        ({"credentials": "none.toml"}, "No such file"),
        ({"credentials": "open.toml"}, "may be read by others"),
        ({"credentials": "broken.toml"}, "broken.toml"),
    ],
)
def test_settings_that_cannot_be_are_refused_by_name(settings: dict[str, str], why: str, tmp_path: Path) -> None:
    (tmp_path / "open.toml").write_text("")
    (tmp_path / "open.toml").chmod(0o644)
    (tmp_path / "broken.toml").write_text("a = ")
    (tmp_path / "broken.toml").chmod(0o600)
    given = {"name": "archive", "kind": "objects", "url": f"s3://{BUCKET}"} | settings

    with pytest.raises(NodeError, match=why):
        open_depots((DepotSection(**given),), tmp_path, ())  # type: ignore[arg-type]
