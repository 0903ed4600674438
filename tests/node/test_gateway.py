"""The trustless gateway keeps the assertions of its specification, one by one; and gives strangers what is public."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from asgi import asked
from consortium import registering
from written_chain import WrittenChain

from ledger import actions
from node.api import gateway, providers
from node.api.app import make_app
from node.api.gateway_requests import EntityBytes
from node.api.member import Member
from node.content import tree_index
from node.content.blockstore import Blockstore
from node.content.tree_index import TreeIndex
from node.exchange.public_content import PublicContent
from remarque import dag
from remarque.cars import blocks_in
from remarque.cid import DAG_PB, RAW, cid_bytes, parse_cid
from remarque.dag import CHUNK, depth_first
from remarque.errors import NodeError

SMALL, LARGE = b"a public picture", os.urandom(CHUNK) * 2 + os.urandom(CHUNK) + b"the end"
"""Of the large one the first two leaves are the same block."""
RAW_TYPE, CAR_TYPE = "application/vnd.ipld.raw", "application/vnd.ipld.car"
KEY = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"


class Got(NamedTuple):
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def blocks(self) -> list[str]:
        """Ids of the blocks of a CAR, which all hold."""
        return [cid for cid, _ in blocks_in((self.body,))][1:]


class KnownByHeader:
    """A reader of sessions: a member is who says anything."""

    async def known(self, request: Any) -> Member | None:
        return Member("alice@studio", lambda: True) if "authorization" in request.headers else None


class Shop:
    """A node's gateway with public content of two sizes, content that is not public, and an upload."""

    def __init__(self, path: Path, *, for_all: bool = True) -> None:
        self.written = WrittenChain(path / "chain")
        self.store = Blockstore(path / "content")
        self.trees = TreeIndex(path / "trees.sqlite")
        self.closed: set[str] = set()
        self.public = PublicContent(
            self.written.chain, self.store, self.trees, lambda record: record.id not in self.closed
        )
        reader: Any = KnownByHeader()
        door = gateway.Gateway(self.store, self.public, reader, for_all=for_all)
        self.app = make_app(
            "0", [gateway.routes(door), providers.routes(door, providers.provider(KEY, "https://node1.studio.example"))]
        )
        self.small, self.large = self.record("small", SMALL), self.record("large", LARGE)
        self.secret = self.record("secret", os.urandom(CHUNK + 1), confidential=True)
        self.upload = self.store.take("alice@studio", b"an upload")

    def record(self, name: str, data: bytes, *, confidential: bool = False, block: bool = True) -> str:
        cid = self.store.put_file(data)
        sealed = {"sealed_keys": (actions.SealedKey(node="node1", sealed="00" * 80),)} if confidential else {}
        content = actions.Content(cid=cid, size=len(data), media_type="image/png", **sealed)
        if block:
            self.written.block(self.written.ask(registering(name, content=content, confidential=confidential)))
        return cid

    def get(self, path: str, *, method: str = "GET", member: bool = False, **said: str) -> Got:
        place, _, query = path.partition("?")
        headers = {name.replace("_", "-"): value for name, value in said.items()}
        headers |= {"authorization": "Bearer x"} if member else {}
        packed = tuple((name.encode(), value.encode()) for name, value in headers.items())

        async def answer() -> Got:
            start, *parts = [one async for one in asked(self.app, method, place, b"", query.encode(), packed)]
            found = {name.decode(): value.decode() for name, value in start["headers"]}
            return Got(start["status"], found, b"".join(part.get("body", b"") for part in parts))

        return asyncio.run(answer())

    def leaves(self, cid: str) -> list[str]:
        return [one for one in depth_first(cid, self.store.present) if parse_cid(one)[0] == RAW]


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    """To be read."""
    return Shop(tmp_path_factory.mktemp("shop"))


@pytest.fixture
def own(tmp_path: Path) -> Shop:
    """To be changed."""
    return Shop(tmp_path)


def test_a_block_has_the_header_of_the_specification(shop: Shop) -> None:
    for cid, block in ((shop.small, SMALL), (shop.large, shop.store.present(shop.large))):
        got = shop.get(f"/ipfs/{cid}?format=raw")

        assert (got.status, got.body) == (200, block)
        wanted = {
            "content-type": RAW_TYPE,
            "content-length": str(len(block)),
            "content-disposition": f'attachment; filename="{cid}.bin"',
            "etag": f'"{cid}.raw"',
            "cache-control": "public, max-age=29030400, immutable",
            "x-content-type-options": "nosniff",
            "x-ipfs-path": f"/ipfs/{cid}",
            "x-ipfs-roots": cid,
            "accept-ranges": "bytes",
        }
        assert wanted.items() <= got.headers.items()


def test_a_car_has_the_header_of_the_specification_and_all_blocks_depth_first(shop: Shop) -> None:
    got = shop.get(f"/ipfs/{shop.large}?format=car")
    first, _, third, last = shop.leaves(shop.large)

    assert got.blocks == [shop.large, first, third, last]
    wanted = {
        "content-type": f"{CAR_TYPE}; version=1; order=dfs; dups=n",
        "content-disposition": f'attachment; filename="{shop.large}.car"',
        "cache-control": "public, max-age=29030400, immutable",
        "x-content-type-options": "nosniff",
        "x-ipfs-path": f"/ipfs/{shop.large}",
        "x-ipfs-roots": shop.large,
        "accept-ranges": "none",
    }
    assert wanted.items() <= got.headers.items()
    assert "content-length" not in got.headers


@pytest.mark.parametrize("query", ["format=raw", "format=car", "format=car&dag-scope=block", "format=dag-json"])
def test_head_is_the_header_of_get(shop: Shop, query: str) -> None:
    for cid in (shop.large, shop.secret):
        head, got = (shop.get(f"/ipfs/{cid}?{query}", method=method) for method in ("HEAD", "GET"))

        assert (head.status, head.body) == (got.status, b"")
        assert {**head.headers, "content-length": ""} == {**got.headers, "content-length": ""}


FORMATS = [
    # query, Accept, status, Content-Type
    ("?format=raw", None, 200, RAW_TYPE),
    ("?format=raw", CAR_TYPE, 200, RAW_TYPE),
    ("?format=car", RAW_TYPE, 200, f"{CAR_TYPE}; version=1; order=dfs; dups=n"),
    ("", RAW_TYPE, 200, RAW_TYPE),
    ("", "application/vnd.ipld.RAW", 200, RAW_TYPE),
    ("", f"text/html, {RAW_TYPE};q=0.5", 200, RAW_TYPE),
    ("", f"{RAW_TYPE};q=0.1, {CAR_TYPE};q=0.9", 200, f"{CAR_TYPE}; version=1; order=dfs; dups=n"),
    ("", f"{CAR_TYPE}; version=2, {RAW_TYPE}", 200, RAW_TYPE),
    ("", f"{CAR_TYPE};version=1;order=dfs;dups=y", 200, f"{CAR_TYPE}; version=1; order=dfs; dups=y"),
    ("", f'{CAR_TYPE}; order="unk"', 200, f"{CAR_TYPE}; version=1; order=dfs; dups=n"),
    ("?car-dups=y", f"{CAR_TYPE}; dups=n", 200, f"{CAR_TYPE}; version=1; order=dfs; dups=y"),
    ("?format=car&car-order=unk&car-version=1", None, 200, f"{CAR_TYPE}; version=1; order=dfs; dups=n"),
    ("", None, 400, None),
    ("", "*/*", 400, None),
    ("?format=car&car-version=2", None, 400, None),
    ("?format=car&dag-scope=some", None, 400, None),
    ("?format=car&entity-bytes=1", None, 400, None),
    ("?format=car&entity-bytes=*:1", None, 400, None),
    ("?format=raw&format=car", None, 400, None),
    ("?format=dag-json", None, 406, None),
    ("?format=tar", RAW_TYPE, 406, None),
    ("?format=ipns-record", None, 406, None),
    ("", "text/html", 406, None),
    ("", "text/html, */*", 406, None),
    ("", f"{RAW_TYPE};q=0", 406, None),
    ("", f"{CAR_TYPE}; version=2", 406, None),
    ("", f"{CAR_TYPE}; order=weird", 406, None),
]


@pytest.mark.parametrize(("query", "accept", "status", "media"), FORMATS)
def test_the_query_says_the_format_and_else_accept(
    shop: Shop, query: str, accept: str | None, status: int, media: str | None
) -> None:
    got = shop.get(f"/ipfs/{shop.large}{query}", **({} if accept is None else {"accept": accept}))

    assert (got.status, got.headers["content-type"]) == (status, media or "application/problem+json")
    by_accept = status == 200 and "format=" not in query
    chosen = "raw" if media == RAW_TYPE else "car"
    assert got.headers.get("content-location") == (f"/ipfs/{shop.large}?format={chosen}" if by_accept else None)


SIZE = len(LARGE)
PARTS = [
    # entity-bytes, which leaves, of four
    ("0:*", [0, 1, 2, 3]),
    ("0:0", [0]),
    (f"0:{CHUNK - 1}", [0]),
    (f"0:{CHUNK}", [0, 1]),
    (f"{CHUNK}:{CHUNK}", [1]),
    (f"{2 * CHUNK - 1}:{2 * CHUNK}", [1, 2]),
    ("-1:*", [3]),
    ("-7:*", [3]),
    ("-8:*", [2, 3]),
    ("-99999999:0", [0]),
    (f"{SIZE - 1}:99999999", [3]),
    (f"{2 * CHUNK}:-8", [2]),
    ("-8:-8", [2]),
    ("5:4", []),
    ("-7:0", []),
]


@pytest.mark.parametrize(("part", "wanted"), PARTS)
def test_a_part_comes_with_just_the_blocks_that_it_is_held_by(shop: Shop, part: str, wanted: list[int]) -> None:
    leaves = shop.leaves(shop.large)

    got = shop.get(f"/ipfs/{shop.large}?format=car&entity-bytes={part}&car-dups=y")

    assert got.blocks == [shop.large, *(leaves[place] for place in wanted)]


@pytest.mark.parametrize("part", [f"{SIZE}:*", f"{SIZE}:{SIZE + 5}", f"0:-{SIZE + 1}", f"-99999999:-{SIZE + 1}"])
def test_a_part_that_is_all_outside_is_refused(shop: Shop, part: str) -> None:
    assert shop.get(f"/ipfs/{shop.large}?format=car&entity-bytes={part}").status == 400


def test_an_empty_file_has_no_part_that_is_outside() -> None:
    assert EntityBytes(0, None).within(0) == (0, 0)
    assert EntityBytes(-5, -1).within(0) == (0, 0)


def test_a_car_of_one_block_is_that_block_whatever_part_is_asked_for(shop: Shop) -> None:
    for query in ("", "&entity-bytes=1:2", "&dag-scope=block", "&dag-scope=entity"):
        assert shop.get(f"/ipfs/{shop.small}?format=car{query}").blocks == [shop.small]


def test_a_scope_is_the_block_or_the_file(shop: Shop) -> None:
    first, second, third, last = shop.leaves(shop.large)
    whole = [shop.large, first, second, third, last]
    assert first == second

    def blocks(query: str) -> list[str]:
        return shop.get(f"/ipfs/{shop.large}?format=car&{query}").blocks

    assert blocks("dag-scope=block") == [shop.large]
    assert blocks("dag-scope=entity&car-dups=y") == blocks("dag-scope=all&car-dups=y") == whole
    assert blocks("car-dups=n") == [shop.large, first, third, last]
    assert blocks("dag-scope=block&entity-bytes=0:0") == [shop.large, first]


def test_entity_tags_differ_with_all_that_is_asked(shop: Shop) -> None:
    asks = [
        "format=raw",
        "format=car",
        "format=car&car-dups=y",
        "format=car&dag-scope=block",
        "format=car&dag-scope=entity",
        "format=car&entity-bytes=0:*",
        "format=car&entity-bytes=0:5",
    ]
    tags = {shop.get(f"/ipfs/{shop.large}?{ask}").headers["etag"] for ask in asks}

    assert len(tags) == len(asks)


@pytest.mark.parametrize("ask", ["format=raw", "format=car"])
def test_who_has_it_already_is_told_so_and_not_given_it(shop: Shop, ask: str) -> None:
    path = f"/ipfs/{shop.large}?{ask}"
    tag = shop.get(path).headers["etag"]

    for named in (tag, f"W/{tag}", f'"other", {tag}', "*"):
        got = shop.get(path, if_none_match=named)
        assert (got.status, got.body, got.headers["etag"]) == (304, b"", tag)
    assert shop.get(path, if_none_match='"other"').status == 200
    assert shop.get(f"/ipfs/{shop.secret}?{ask}", if_none_match="*").status == 404


def test_a_part_of_a_block_is_given(shop: Shop) -> None:
    got = shop.get(f"/ipfs/{shop.small}?format=raw", range="bytes=2-7")

    assert (got.status, got.body, got.headers["content-range"]) == (206, b"public", f"bytes 2-7/{len(SMALL)}")
    assert shop.get(f"/ipfs/{shop.small}?format=raw", range="bytes=99-").status == 416


def test_what_is_not_here_is_not_found_or_not_cached(shop: Shop) -> None:
    absent = "bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku"
    for cid in (absent, shop.secret, shop.upload):
        for ask in ("format=raw", "format=car"):
            assert shop.get(f"/ipfs/{cid}?{ask}").status == 404
            assert shop.get(f"/ipfs/{cid}?{ask}", cache_control="only-if-cached").status == 412
    assert shop.get(f"/ipfs/{shop.small}?format=raw", cache_control="only-if-cached").status == 200


def test_a_gateway_is_probed(shop: Shop) -> None:
    for method in ("GET", "HEAD"):
        raw = shop.get("/ipfs/bafkqaaa?format=raw", method=method)
        car = shop.get("/ipfs/bafkqaaa", method=method, accept=CAR_TYPE)
        assert (raw.status, raw.body, raw.headers["content-type"]) == (200, b"", RAW_TYPE)
        assert car.status == 200
        assert bool(car.body) == (method == "GET")


def in_base(digits: str, letter: str, cid: str) -> str:
    number, out = int.from_bytes(cid_bytes(cid), "big"), ""
    while number:
        number, place = divmod(number, len(digits))
        out = digits[place] + out
    return letter + out


def test_other_spellings_of_an_id_are_read(shop: Shop) -> None:
    base58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
    base36 = "0123456789abcdefghijklmnopqrstuvwxyz"
    for cid in (shop.small, shop.large):
        spelled = [cid.upper(), in_base(base58, "z", cid), in_base(base36, "k", cid), in_base(base36, "k", cid).upper()]
        for text in spelled:
            got = shop.get(f"/ipfs/{text}?format=raw")
            assert (got.status, got.headers["x-ipfs-path"]) == (200, f"/ipfs/{text}")
            assert got.headers["etag"] == f'"{cid}.raw"'


HOSTILE = {
    "CIDv0": "QmbWqxBEKC3P8tqsKc98xmWNzrzDtRLMiMPL8wBuTGsMnR",
    "another codec": "bafyreigbtj4x7ip5legnfznufuopl4sg4knzc2cof6duas4b3q2fy6swua",
    "another digest": "bafkrgqhhyivzstcz3hhswshfjgy6ertgmnqeleynhwt4dlfsthi4hn7zgh4uvlsb5xncykzapi3ocd4lzogukir6ksdy6",
    "cut off": "bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyk",
    "no base": "xafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku",
    "bits to spare": "bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvykv",
    "letters of no base": "z0OIl",
    "too long in base58": "z" + "z" * 79,
    "a path": "..%2f..%2fnode.key",
    "nothing": "b",
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_what_is_no_id_of_ours_is_refused(shop: Shop, kind: str) -> None:
    for member in (True, False):
        for path in (f"/ipfs/{HOSTILE[kind]}?format=raw", f"/routing/v1/providers/{HOSTILE[kind]}"):
            assert shop.get(path, member=member).status == 400


def test_strangers_have_the_blocks_of_public_files_and_members_all_that_are_recorded(shop: Shop) -> None:
    for cid in (shop.small, shop.large, *shop.leaves(shop.large)):
        assert shop.get(f"/ipfs/{cid}?format=raw").status == 200
    for cid in (shop.secret, *shop.leaves(shop.secret)):
        assert shop.get(f"/ipfs/{cid}?format=raw").status == 404
        kept = shop.get(f"/ipfs/{cid}?format=raw", member=True)
        assert (kept.status, kept.headers["cache-control"]) == (200, "private, no-store")


def test_rules_that_close_a_record_close_its_file(own: Shop) -> None:
    [record] = own.written.chain.state.holdings.of_file(own.large)
    own.closed.add(record)

    assert [own.get(f"/ipfs/{cid}?format=raw").status for cid in (own.large, *own.leaves(own.large))] == [404] * 5
    assert own.get(f"/ipfs/{own.small}?format=raw").status == 200


def test_a_file_that_several_records_have_is_public_if_one_is(own: Shop) -> None:
    again = own.record("the same in the open", own.store.file(own.secret))

    assert again == own.secret
    assert own.get(f"/ipfs/{again}?format=raw").status == 200


def test_a_gateway_that_is_not_open_is_for_members(tmp_path: Path) -> None:
    shop = Shop(tmp_path, for_all=False)

    for path in (f"/ipfs/{shop.small}?format=raw", f"/routing/v1/providers/{shop.small}"):
        assert shop.get(path).status == 401
        assert shop.get(path, member=True).status == 200


def test_trees_that_were_stored_before_are_found_after_a_start_and_those_that_are_gone_forgotten(
    own: Shop, tmp_path: Path
) -> None:
    leaf = own.leaves(own.large)[-1]
    lost = TreeIndex(tmp_path / "new.sqlite")
    assert lost.above(leaf) == []

    lost.complete(own.store)
    assert lost.above(leaf) == [own.large]

    own.store._file(own.large).unlink()
    lost.complete(own.store)
    assert lost.above(leaf) == []


def test_a_damaged_block_is_not_given(own: Shop) -> None:
    own.store._file(own.small).write_bytes(b"something else")

    assert own.get(f"/ipfs/{own.small}?format=raw").status == 404


def test_a_car_ends_before_its_end_where_a_leaf_is_missing_and_is_refused_where_a_node_is(own: Shop) -> None:
    own.store._file(own.leaves(own.large)[-1]).unlink()
    with pytest.raises(NodeError, match="CONTENT_MISSING"):
        own.get(f"/ipfs/{own.large}?format=car")
    own.store._file(own.large).unlink()
    assert own.get(f"/ipfs/{own.large}?format=car").status == 404


def test_routing_names_this_node_for_what_it_would_give(shop: Shop) -> None:
    there = shop.get(
        f"/routing/v1/providers/{shop.leaves(shop.large)[0]}?filter-addrs=https,tcp&filter-protocols=unknown"
    )
    absent = shop.get(f"/routing/v1/providers/{shop.secret}")
    private = shop.get(f"/routing/v1/providers/{shop.secret}", member=True)

    peer = (
        b'{"Addrs":["/dns/node1.studio.example/tcp/443/https"],"ID":"12D3KooWQK1wnefoLrcVHbbnf5tLzbopUd3K3bFAoJpA7YJgL5pV",'
        b'"Protocols":["transport-ipfs-gateway-http"],"Schema":"peer"}'
    )
    assert (there.status, there.headers["content-type"]) == (200, "application/json")
    assert there.body == b'{"Providers":[' + peer + b"]}"
    assert (absent.status, absent.body) == (200, b'{"Providers":[]}')
    assert [one.headers["cache-control"] for one in (there, absent, private)] == [
        "public, max-age=300",
        "public, max-age=15",
        "private, no-store",
    ]


def test_addresses_are_written_as_ipfs_writes_them() -> None:
    written = {
        "https://node1.studio.example": "/dns/node1.studio.example/tcp/443/https",
        "http://127.0.0.1:8100": "/ip4/127.0.0.1/tcp/8100/http",
        "http://[::1]:8100": "/ip6/::1/tcp/8100/http",
    }
    assert {url: providers.multiaddr(url) for url in written} == written


def test_a_file_of_more_blocks_than_one_may_have_is_refused(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dag, "BLOCKS_MAX", 4)

    assert shop.get(f"/ipfs/{shop.large}?format=car").status == 400
    assert shop.get(f"/ipfs/{shop.large}?format=car&entity-bytes=0:0").blocks[0] == shop.large


def test_no_tree_is_climbed_for_ever(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    assert parse_cid(shop.large)[0] == DAG_PB
    monkeypatch.setattr(TreeIndex, "above", lambda self, cid: [cid] * tree_index.ABOVE_MAX)

    assert shop.get(f"/ipfs/{shop.secret}?format=raw").status == 404
