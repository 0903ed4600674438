"""Archives: piece commitments as Filecoin has them, files in a CAR and out of it again, and what does not hold."""

from __future__ import annotations

import hashlib
import random
import subprocess
import sys
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import cbor2
import pytest
from every_record import a_picture

from devnet.cluster import Cluster
from devnet.story import CREATOR
from remarque.archives import ContentArchive, read_archive, restored, write_archive
from remarque.cars import section
from remarque.cid import cid_bytes
from remarque.client import Client
from remarque.dag import CHUNK, import_file
from remarque.errors import RemarqueError
from remarque.pieces import GROWN_QUADS, QUAD_BYTES, PieceHash, piece_of

TREE_BYTES = GROWN_QUADS * QUAD_BYTES
SMALL, LARGE = b"small", random.Random(1).randbytes(3 * CHUNK + 77)


def plain_root(data: bytes) -> tuple[str, int]:
    """Root and levels of a piece, bit by bit."""
    quads = [int.from_bytes(data[at : at + QUAD_BYTES], "little") for at in range(0, max(len(data), 1), QUAD_BYTES)]
    while len(quads).bit_count() > 1:
        quads.append(0)
    level = [(quad >> 254 * leaf & (1 << 254) - 1).to_bytes(32, "little") for quad in quads for leaf in range(4)]
    levels = 0
    while len(level) > 1:
        pairs = zip(level[::2], level[1::2], strict=True)
        digests = [bytearray(hashlib.sha256(left + right).digest()) for left, right in pairs]
        level = [bytes((*digest[:-1], digest[-1] & 63)) for digest in digests]
        levels += 1
    return level[0].hex(), levels


@pytest.mark.parametrize("size", [0, 1, 31, 32, 63, 64, 126, 127, 128, 255, 1_000, 4 * 127, 4 * 127 + 1, 65_000])
def test_a_piece_is_the_tree_over_its_spread_bits(size: int) -> None:
    data = random.Random(size).randbytes(size)
    made = piece_of(data)

    assert (made.root.hex(), made.levels) == plain_root(data)
    assert made.padding + size == made.bytes // 128 * 127


@pytest.mark.parametrize("size", [TREE_BYTES - 1, TREE_BYTES, TREE_BYTES + 1, 3 * TREE_BYTES, 5 * TREE_BYTES + 9])
def test_a_piece_of_many_trees_is_the_same_and_however_it_comes(size: int) -> None:
    data = random.Random(size).randbytes(size)
    hashed, at = PieceHash(), 0
    while at < size:
        step = 1 + random.Random(at).randrange(2 * TREE_BYTES)
        hashed.update(data[at : at + step])
        at += step

    made = hashed.piece()
    assert (made.root.hex(), made.levels) == plain_root(data)
    assert made == piece_of(data)


def test_pieces_have_the_ids_that_others_give_them() -> None:
    """The first is the piece of zeros that Filecoin's own code names; the second `@filoz/synapse-core` gave."""
    assert piece_of(bytes(127)).cid_v1 == "baga6ea4seaqdomn3tgwgrh3g532zopskstnbrd2n3sxfqbze7rxt7vqn7veigmy"
    sevens = piece_of(b"\x07" * (1 << 20))
    assert sevens.cid_v2 == "bafkzcibeqcad6ehjcg72bmpl6v437vvnuqscg5wk3xsomi3tzxd6gyzjf5sywnobby"
    assert sevens.bytes == 2 << 20


def an_archive(folder: Path, *files: bytes) -> ContentArchive:
    made = dict(map(import_file, files))
    return write_archive(folder, "some", tuple(made), made.__getitem__)


def reading(folder: Path) -> Callable[[int, int], bytes]:
    data = (folder / "some.car").read_bytes()
    return lambda at, size: data[at : at + size]


def test_files_come_out_of_an_archive_as_they_were_and_in_parts(tmp_path: Path) -> None:
    archive = an_archive(tmp_path, SMALL, LARGE)
    read, (small, large) = reading(tmp_path), archive.files

    assert read_archive(tmp_path / "some.json") == archive
    assert b"".join(restored(archive, read, small)) == SMALL
    assert b"".join(restored(archive, read, large)) == LARGE
    for start, stop in ((0, 1), (CHUNK - 1, CHUNK + 1), (2 * CHUNK, 3 * CHUNK), (len(LARGE) - 5, len(LARGE) + 99)):
        assert b"".join(restored(archive, read, large, (start, stop))) == LARGE[start:stop]


def test_a_part_reads_no_more_than_its_blocks(tmp_path: Path) -> None:
    archive = an_archive(tmp_path, SMALL, LARGE)
    read, asked = reading(tmp_path), list[int]()

    def counted(at: int, size: int) -> bytes:
        asked.append(size)
        return read(at, size)

    assert b"".join(restored(archive, counted, archive.files[1], (CHUNK, CHUNK + 10))) == LARGE[CHUNK : CHUNK + 10]
    assert sum(asked) < 1.1 * CHUNK


def test_what_is_said_of_an_archive_is_so(tmp_path: Path) -> None:
    archive = an_archive(tmp_path, SMALL, LARGE)
    data = (tmp_path / "some.car").read_bytes()

    assert (archive.bytes, archive.sha256) == (len(data), hashlib.sha256(data).hexdigest())
    assert (archive.piece_cid, archive.piece_cid_v1) == (piece_of(data).cid_v2, piece_of(data).cid_v1)
    header = cbor2.loads(data[1 : 1 + data[0]])
    packed = header["roots"][0].value[1:]
    root = cbor2.dumps(
        {"files": [cbor2.CBORTag(42, b"\x00" + link) for link in map(cid_bytes, archive.files)]}, canonical=True
    )
    assert packed == bytes((1, 0x71, 0x12, 0x20)) + hashlib.sha256(root).digest()
    assert data[1 + data[0] :].startswith(section(packed + root))


def test_what_files_share_stands_in_an_archive_once(tmp_path: Path) -> None:
    same = bytes(CHUNK)
    archive = an_archive(tmp_path, same * 3 + b"a", same * 3 + b"b")

    assert archive.bytes < 1.1 * CHUNK
    assert b"".join(restored(archive, reading(tmp_path), archive.files[1])) == same * 3 + b"b"


def test_an_archive_that_was_changed_or_lacks_something_gives_nothing_false(tmp_path: Path) -> None:
    archive = an_archive(tmp_path, SMALL, LARGE)
    car = tmp_path / "some.car"
    data = bytearray(car.read_bytes())
    data[-CHUNK] ^= 1
    car.write_bytes(data)
    other, _ = import_file(b"other")

    with pytest.raises(RemarqueError, match="CONTENT_MISMATCH"):
        list(restored(archive, reading(tmp_path), archive.files[1]))
    assert b"".join(restored(archive, reading(tmp_path), archive.files[0])) == SMALL
    with pytest.raises(RemarqueError, match="CONTENT_MISSING"):
        list(restored(archive, reading(tmp_path), other))
    car.write_bytes(data[:-CHUNK])
    with pytest.raises(RemarqueError, match="CONTENT_MISMATCH"):
        list(restored(archive, reading(tmp_path), archive.files[1]))


def test_what_breaks_off_leaves_no_archive(tmp_path: Path) -> None:
    def blocks(cid: str) -> list[tuple[str, bytes]]:
        raise OSError("no space left")

    with pytest.raises(OSError, match="no space"):
        write_archive(tmp_path, "some", (import_file(SMALL)[0],), blocks)
    assert [file.name for file in tmp_path.iterdir()] == ["some.car.part"]


@pytest.mark.parametrize("index", [b"", b"{}", b"[1]", b'{"version":2}'])
def test_what_is_no_index_is_said_so(tmp_path: Path, index: bytes) -> None:
    file = tmp_path / "some.json"
    file.write_bytes(index)
    with pytest.raises(RemarqueError, match="ARCHIVE_INVALID"):
        read_archive(file)


class Ranges(BaseHTTPRequestHandler):
    """Gives parts of one file."""

    data = b""

    def do_GET(self) -> None:
        start, end = map(int, self.headers["Range"].removeprefix("bytes=").split("-"))
        part = self.data[start : end + 1]
        self.send_response(206)
        self.send_header("Content-Length", str(len(part)))
        self.end_headers()
        self.wfile.write(part)

    def log_message(self, *_: object) -> None:
        """Nothing."""


def command(cluster: Cluster, *words: str) -> str:
    key = cluster.root / "accounts" / f"{CREATOR}.key"
    who = ["--node", cluster.urls[0], "--account", CREATOR, "--key", str(key)]
    done = subprocess.run(
        [sys.executable, "-m", "node", *who, "content", *words], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_commands_archive_what_is_recorded_once_and_restore_it(one_node: Cluster, tmp_path: Path) -> None:
    folder = tmp_path / "archives"
    with Client(one_node.urls, CREATOR, one_node.key(CREATOR)) as alice:
        asset, _ = alice.register(a_picture())
        cid = alice.asset(asset).asset.content.cid

    assert "1 archives" in command(one_node, "archive", "--to", str(folder))
    assert "0 archives" in command(one_node, "archive", "--to", str(folder))
    (index,) = folder.glob("*.json")
    command(one_node, "restore", str(index), cid, str(tmp_path / "whole.png"))
    assert (tmp_path / "whole.png").read_bytes() == a_picture()

    Ranges.data = (folder / read_archive(index).car).read_bytes()
    server = HTTPServer(("127.0.0.1", 0), Ranges)
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        url = f"http://127.0.0.1:{server.server_port}/some.car"
        part = ("--url", url, "--part", "10", "20")
        command(one_node, "restore", str(index), cid, str(tmp_path / "part"), *part)
    finally:
        server.shutdown()
        server.server_close()
    assert (tmp_path / "part").read_bytes() == a_picture()[10:30]
