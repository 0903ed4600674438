from __future__ import annotations

import asyncio
import os
import random
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.crypto import SigningKey
from ledger.names import ContentId
from node.content.blockstore import THREADS_MAX, Blockstore
from remarque import dag, sealing
from remarque.cid import DAG_PB, RAW, CidInvalid, check_block, cid_bytes, cid_of, parse_cid
from remarque.dag import blocks_of, children_of, import_file, shape_of
from remarque.errors import NodeCode, NodeError

GOLDEN = {
    0: "bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku",
    10: "bafkreiblqcz6uzaj76k7owjybueoyzhmntevkqtep3bxjz5skdv2fsb6i4",
    262_144: "bafkreih2bk74eu5axngebs6vftmmkcaqboysjjy726xzy5hksnqmfgw5fy",
    262_145: "bafkreidaydhmrrbuvvmsyxws3vzxwt6dklv6b3gtdp5pvwtl5xaoba2kgm",
    1_048_579: "bafybeieh6nncdcijdskcyslgzs7bsp2nrylroj7fzrx26cuvemgam3ki4y",
    5_242_880: "bafybeieespxfzrscipgmsu3thk2p736jijtcn4lzsh2nzkcgcgtaasug5q",
    62_914_560: "bafybeigrqynn2ndmvwihg6tw7oohbvq4jfokjhhme6knncvyu6kw4bvyau",
}
"""Ids of `random.Random(size).randbytes(size)` that Kubo gives with the profile unixfs-v1-2025."""


@pytest.mark.parametrize("size", GOLDEN)
def test_content_ids_are_those_of_kubo(size: int) -> None:
    assert import_file(random.Random(size).randbytes(size))[0] == GOLDEN[size]


def test_a_file_comes_back_from_its_blocks(tmp_path: Path) -> None:
    store = Blockstore(tmp_path)
    data = random.Random(1).randbytes(2_500_000)

    cid = store.put_file(data)

    assert store.file(cid) == data
    assert store.missing(cid) == []
    assert Blockstore(tmp_path).file(cid) == data


def test_many_threads_store_one_file_and_none_breaks_another(tmp_path: Path) -> None:
    store, data = Blockstore(tmp_path), random.Random(2).randbytes(3_000_000)

    with ThreadPoolExecutor(8) as threads:
        ids = set(threads.map(lambda _: store.put_file(data), range(24)))

    assert [store.file(cid) for cid in ids] == [data]
    assert list(tmp_path.rglob("*.new")) == []


def test_no_more_threads_than_allowed_work_on_content(tmp_path: Path) -> None:
    async def story() -> tuple[int, int]:
        store, go_on = Blockstore(tmp_path), threading.Event()
        started: list[int] = []

        def work(number: int) -> None:
            started.append(number)
            go_on.wait()

        tasks = [asyncio.ensure_future(store.aside(work, number)) for number in range(3 * THREADS_MAX)]
        while len(started) < THREADS_MAX:
            await asyncio.sleep(0)
        at_once = len(started)
        go_on.set()
        await asyncio.gather(*tasks)
        return at_once, len(started)

    assert asyncio.run(story()) == (THREADS_MAX, 3 * THREADS_MAX)


@pytest.mark.parametrize("recorded", [True, False])
def test_a_file_is_read_from_any_place_on(tmp_path: Path, *, recorded: bool) -> None:
    store, data = Blockstore(tmp_path), random.Random(3).randbytes(2_500_000)
    opened = store.open(store.put_file(data) if recorded else store.take("alice@studio", data))

    assert opened.size == len(data)
    for at in (0, 1, 1_048_575, 1_048_576, 2_499_999):
        end = min((at // 1_048_576 + 1) * 1_048_576, len(data))
        assert opened.piece(at) == data[at:end]


@pytest.mark.parametrize("cut", [1, 7, 1_048_575, 1_048_577, 5_000_000])
def test_in_whatever_parts_a_file_comes_its_blocks_are_the_same(cut: int) -> None:
    data = random.Random(4).randbytes(2_500_000) if cut > 7 else random.Random(4).randbytes(2_000)
    parts = (data[at : at + cut] for at in range(0, len(data), cut))

    assert list(blocks_of(parts)) == import_file(data)[1]


def test_a_file_of_small_chunks_and_narrow_nodes_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """As older Kubo cuts them, over three levels."""
    data = random.Random(5).randbytes(1_000)
    monkeypatch.setattr(dag, "CHUNK", 7)
    monkeypatch.setattr(dag, "LINKS_MAX", 6)
    cid, blocks = import_file(data)
    read = dict(blocks)

    shape = shape_of(cid, read.__getitem__)

    assert (shape.size, len(shape.nodes)) == (1_000, 24 + 4 + 1)
    assert b"".join(read[leaf.cid] for leaf in shape.leaves) == data
    assert [leaf.start for leaf in shape.leaves] == list(range(0, 1_000, 7))


def a_node(children: list[tuple[str, int]], total: int | None = None, extra: bytes = b"") -> tuple[str, bytes]:
    """A node of a file with links of whatever sizes are said, less than 128."""
    links = b""
    for cid, _ in children:
        link = b"\x0a\x24" + cid_bytes(cid)
        links += b"\x12" + bytes((len(link),)) + link
    said = sum(size for _, size in children) if total is None else total
    unixfs = b"\x08\x02\x18" + bytes((said,)) + b"".join(b"\x20" + bytes((size,)) for _, size in children) + extra
    block = links + b"\x0a" + bytes((len(unixfs),)) + unixfs
    return cid_of(DAG_PB, block), block


def test_nodes_that_lie_are_refused() -> None:
    leaf = cid_of(RAW, b"12345")
    inner, honest = a_node([(leaf, 5)])
    blocks = {leaf: b"12345", inner: honest}
    lies = {
        "says another size than the node below": a_node([(inner, 6)]),
        "does not add up": a_node([(leaf, 5)], total=6),
        "holds bytes of its file itself": a_node([(leaf, 5)], extra=b"\x12\x01x"),
        "has no links": a_node([]),
        "links once and says two sizes": a_node([(leaf, 5)], total=10, extra=b"\x20\x05"),
    }

    assert shape_of(inner, blocks.__getitem__).size == 5
    for cid, block in lies.values():
        with pytest.raises(CidInvalid):
            shape_of(cid, {**blocks, cid: block}.__getitem__)


def test_a_leaf_that_is_larger_than_a_block_makes_no_file() -> None:
    said = b"\x81\x80\x80\x01"
    unixfs, link = b"\x08\x02\x18" + said + b"\x20" + said, b"\x0a\x24" + cid_bytes(cid_of(RAW, b"x"))
    block = b"\x12" + bytes((len(link),)) + link + b"\x0a" + bytes((len(unixfs),)) + unixfs

    with pytest.raises(CidInvalid, match="would have 2097153 bytes"):
        shape_of(cid_of(DAG_PB, block), lambda _: block)


def test_a_tree_that_is_deep_or_wide_without_end_is_refused() -> None:
    """Ten thousand nodes below each other, and one node linked to fifty times, four levels deep."""
    deep = wide = cid_of(RAW, b"x")
    blocks = {deep: b"x"}
    for _ in range(10_000):
        deep, blocks[deep] = a_node([(deep, 1)])[0], a_node([(deep, 1)])[1]
    cid, block = a_node([(wide, 0)] * 50)
    blocks[cid] = block
    for _ in range(3):
        block = a_node([(cid, 0)] * 50)[1]
        cid = cid_of(DAG_PB, block)
        blocks[cid] = block

    for root in (deep, cid):
        with pytest.raises(CidInvalid, match="blocks"):
            shape_of(root, blocks.__getitem__)


def test_a_leaf_of_another_size_than_its_node_says_makes_no_file(tmp_path: Path) -> None:
    store, leaf = Blockstore(tmp_path), cid_of(RAW, b"12345")
    cid, node = a_node([(leaf, 6)])
    store.put_block(leaf, b"12345")
    store.put_block(cid, node)

    for read in (store.missing, store.file):
        with pytest.raises(CidInvalid, match="5 bytes"):
            read(cid)


def test_a_flipped_bit_makes_a_block_missing_and_not_wrong(tmp_path: Path) -> None:
    store = Blockstore(tmp_path)
    cid = store.put_file(b"picture")
    path = next(path for path in tmp_path.rglob("b*") if path.is_file())
    path.write_bytes(b"pictuse")

    assert store.block(cid) is None
    assert store.missing(cid) == [cid]
    with pytest.raises(NodeError) as refused:
        store.file(cid)
    assert refused.value.code is NodeCode.CONTENT_MISSING


def test_what_no_file_has_is_swept_once_it_is_old(tmp_path: Path) -> None:
    store = Blockstore(tmp_path)
    live, loose = store.put_file(bytes(range(256)) * 10_000), store.put_file(b"x" * 2_500_000)
    recent = store.put_file(b"recent")
    again = store.put_file(b"again")
    for file in tmp_path.glob("??/b*"):
        if file.name not in (recent,):
            os.utime(file, (0, 0))
    store.put_file(b"again")
    broken = store.put_file(os.urandom(1_500_000))
    (file,) = tmp_path.glob(f"??/{broken}")
    file.unlink()

    named = [live, broken, cid_of(RAW, b"not here")]

    assert store.sweep(named, after=86_400.0) == 0, "since when nobody has it is known only now"
    store._loose = dict.fromkeys(store._loose, time.monotonic() - 90_000)
    assert store.sweep(named, after=86_400.0) > 1_450_000
    assert store.missing(loose) == [loose]
    assert [store.missing(cid) for cid in (live, recent, again)] == [[], [], []]


def test_a_block_under_another_id_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CidInvalid):
        Blockstore(tmp_path).put_block(cid_of(RAW, b"one"), b"other")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "b",
        "zdj7WWeQ43G6JJvLWQWZpyHuAMq6uYWRjkBXFad11vE2LHhQ7",
        "bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyk",
        "BAFKREIHDWDCEFGH4DQKJV67UZCMW7OJEE6XEDZDETOJUZJEVTENXQUVYKU",
        "bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvykv",
        "../../../etc/passwd",
        "b" * 59,
        "b../../x",
    ],
)
def test_what_is_no_content_id_is_refused(text: str) -> None:
    with pytest.raises(CidInvalid):
        parse_cid(text)


@given(st.binary(max_size=200))
def test_a_hostile_node_block_is_refused_or_has_links(block: bytes) -> None:
    cid = cid_of(DAG_PB, block)
    check_block(cid, block)
    try:
        assert isinstance(children_of(cid, block), list)
    except CidInvalid:
        return


@pytest.mark.parametrize("size", [0, 1, 65_535, 65_536, 65_537, 200_000])
def test_encrypted_content_opens_with_its_key_and_with_no_other(size: int) -> None:
    key, plain = sealing.new_seed(), random.Random(size).randbytes(size)

    cipher = sealing.encrypt(plain, key)

    assert sealing.decrypt(cipher, key) == plain
    assert size < 64 or plain[:64] not in cipher
    with pytest.raises(sealing.SealBroken):
        sealing.decrypt(cipher, sealing.new_seed())


def test_ciphertext_cannot_be_cut_extended_reordered_or_changed() -> None:
    key, plain = sealing.new_seed(), random.Random(5).randbytes(200_000)
    cipher = sealing.encrypt(plain, key)
    step = 64 * 1024 + 17
    chunks = [cipher[24 + start : 24 + start + step] for start in range(0, len(cipher) - 24, step)]
    broken = [
        cipher[:24] + b"".join(chunks[:-1]),
        cipher + chunks[0],
        cipher[:24] + chunks[1] + chunks[0] + b"".join(chunks[2:]),
        cipher[:100] + bytes([cipher[100] ^ 1]) + cipher[101:],
        cipher[:10],
        b"",
    ]

    for changed in broken:
        with pytest.raises(sealing.SealBroken):
            sealing.decrypt(changed, key)


def test_a_sealed_seed_copied_into_another_record_gives_another_key() -> None:
    seed = sealing.new_seed()
    labels = [
        ("c-1", "a" * 64, "alice@s"),
        ("c-2", "a" * 64, "alice@s"),
        ("c-1", "b" * 64, "alice@s"),
        ("c-1", "a" * 64, "eve@s"),
    ]

    keys = {sealing.content_key(seed, chain, asset, creator) for chain, asset, creator in labels}

    assert len(keys) == 4
    assert seed not in keys


def test_content_ids_of_the_ledger_are_those_the_node_takes() -> None:
    for text in GOLDEN.values():
        assert msgspec.convert(text, ContentId) == text
    for text in ("b" + "a" * 20, GOLDEN[0][:-1] + "v", GOLDEN[0] + "a", GOLDEN[0].upper(), "z" + GOLDEN[0][1:]):
        with pytest.raises(msgspec.ValidationError):
            msgspec.convert(text, ContentId)


def test_a_content_key_is_opened_by_whom_it_is_sealed_to() -> None:
    key, node, other = sealing.new_seed(), SigningKey(b"\x01" * 32), SigningKey(b"\x02" * 32)
    reader = sealing.ReaderKey()

    assert sealing.open_as_node(sealing.seal_to_node(key, node.public), node) == key
    assert reader.open(sealing.seal_to_reader(key, reader.public)) == key
    with pytest.raises(sealing.SealBroken):
        sealing.open_as_node(sealing.seal_to_node(key, node.public), other)
    with pytest.raises(sealing.SealBroken):
        sealing.ReaderKey().open(sealing.seal_to_reader(key, reader.public))
    with pytest.raises(sealing.SealBroken):
        reader.open(b"")
