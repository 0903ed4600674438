"""Content archives: planned, written, and read again by ranges, whoever lies about them."""

from __future__ import annotations

import http.server
import os
import random
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from ledger.actions import ARCHIVED_FILES_MAX
from node.keeping import archiving
from node.keeping.archiving import piece_of, reader_of, roots_in, write
from remarque import dag
from remarque.archives import Archive, ArchivePlan, MeasuredFile, measured, parts_of, plans
from remarque.cars import blocks_in, car_block, car_header
from remarque.cid import RAW, cid_of
from remarque.dag import import_file
from remarque.directories import Entry, directory_of
from remarque.errors import NodeCode, NodeError

SIZES = (0, 1, 90_000, 1_048_576, 1_048_577, 3_000_000)


class Files:
    """Files, and their blocks."""

    def __init__(self, *sizes: int) -> None:
        self.data = dict[str, bytes]()
        self.blocks = dict[str, bytes]()
        for size in sizes:
            data = random.Random(size).randbytes(size)
            cid, blocks = import_file(data)
            self.data[cid] = data
            self.blocks |= dict(blocks)

    def plans(self, bytes_max: int = 1 << 40) -> list[ArchivePlan]:
        return list(plans((measured(cid, self.block) for cid in self.data), bytes_max))

    def block(self, cid: str) -> bytes:
        if cid not in self.blocks:
            raise NodeError(NodeCode.CONTENT_MISSING, cid)
        return self.blocks[cid]


class Ranges:
    """An archive that is read in parts, and how many bytes of it were."""

    def __init__(self, data: bytes) -> None:
        self.data, self.count = data, 0

    def read(self, at: int, size: int) -> bytes:
        found = self.data[at : at + size]
        self.count += len(found)
        return found


@pytest.fixture(scope="module")
def files() -> Files:
    return Files(*SIZES)


def packed(files: Files) -> bytes:
    (plan,) = files.plans()
    data = b"".join(parts_of(plan, files.block))
    assert len(data) == plan.size
    return data


def read_whole(data: bytes, files: Files) -> None:
    """Read all files out of an archive."""
    archive = Archive(Ranges(data).read)
    for cid in files.data:
        assert b"".join(archive.pieces(cid)) == files.data[cid]


def test_an_archive_is_a_car_whose_root_is_a_directory_of_all_its_files(files: Files) -> None:
    (plan,) = files.plans()
    (root, _), *blocks = blocks_in((packed(files),))

    assert root == plan.root == blocks[0][0]
    assert dict(blocks) == files.blocks | {root: plan.directory}


def test_files_are_read_out_of_it_whole_and_in_part(files: Files) -> None:
    archive = Archive(Ranges(packed(files)).read)

    assert archive.files == tuple(files.data)
    for cid, data in files.data.items():
        assert b"".join(archive.pieces(cid)) == data
        for start, end in ((0, 1), (len(data) // 2, len(data)), (1_048_575, 1_048_577), (2_097_152, 2_200_000)):
            assert b"".join(archive.pieces(cid, start, end)) == data[start:end]


def test_only_what_holds_the_part_is_read(files: Files) -> None:
    ranges = Ranges(packed(files))
    archive, cid = Archive(ranges.read), list(files.data)[-1]
    ranges.count = 0

    assert b"".join(archive.pieces(cid, 2_500_000, 2_500_010)) == files.data[cid][2_500_000:2_500_010]
    assert ranges.count < 1_000_000  # its last leaf, and the node above


def test_files_of_small_chunks_and_narrow_nodes_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dag, "CHUNK", 7)
    monkeypatch.setattr(dag, "LINKS_MAX", 6)
    files = Files(1_000, 100, 7, 1)
    archive = Archive(Ranges(packed(files)).read)

    for cid, data in files.data.items():
        for start in range(0, len(data) + 1, 13):
            assert b"".join(archive.pieces(cid, start, start + 30)) == data[start : start + 30]


def test_a_block_that_a_file_has_twice_stands_there_twice() -> None:
    files = Files()
    cid, blocks = import_file(bytes(3 << 20) + b"end")
    files.data[cid], files.blocks = bytes(3 << 20) + b"end", dict(blocks)

    assert b"".join(Archive(Ranges(packed(files)).read).pieces(cid)) == files.data[cid]


def test_archives_are_of_the_size_that_is_wanted(files: Files) -> None:
    found = files.plans(2_200_000)

    assert [cid for plan in found for cid in plan.files] == list(files.data)
    assert [len(plan.files) for plan in found] == [5, 1]
    assert [plan.size <= 2_200_000 for plan in found] == [True, False]
    assert all(sum(map(len, parts_of(plan, files.block))) == plan.size for plan in found)


def test_a_directory_of_as_many_files_as_there_may_be_is_one_block_and_is_read() -> None:
    blocks = {cid_of(RAW, data := f"{number}".encode()): data for number in range(ARCHIVED_FILES_MAX + 1)}
    largest = (1 << 30) + (1 << 20)
    many = [MeasuredFile(cid, largest, largest) for cid in blocks]

    full, rest = plans(many, 1 << 60)

    assert (len(full.files), len(rest.files)) == (ARCHIVED_FILES_MAX, 1)
    assert len(full.directory) <= 1 << 20
    few = plans((MeasuredFile(cid, len(block), len(block) + 37) for cid, block in blocks.items()), 1 << 60)
    data = b"".join(parts_of(next(few), blocks.__getitem__))
    last = full.files[-1]
    assert b"".join(Archive(Ranges(data).read).pieces(last)) == blocks[last]


def test_whatever_is_changed_in_an_archive_is_found() -> None:
    files = Files(40, 50, 1_048_600)
    data = packed(files)
    for at in [*range(400), *range(1_000, len(data), 40_001)]:
        changed = data[:at] + bytes((data[at] ^ 1,)) + data[at + 1 :]
        with pytest.raises(NodeError) as refused:
            read_whole(changed, files)
        assert refused.value.code in (NodeCode.ARCHIVE_UNREADABLE, NodeCode.CONTENT_MISMATCH, NodeCode.CONTENT_MISSING)


@pytest.mark.parametrize("cut", [0, 10, 60, 200, -1, -1_048_000])
def test_an_archive_that_is_cut_off_is_refused_where_that_is_met(cut: int) -> None:
    files = Files(40, 1_048_600)
    with pytest.raises(NodeError):
        read_whole(packed(files)[:cut], files)


def a_car(*entries: Entry, root: str = "") -> bytes:
    cid, block = directory_of(entries)
    return car_header(root or cid) + car_block(cid, block)


LEAF = cid_of(RAW, b"x")


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"no archive at all",
        car_header(LEAF),
        car_header(LEAF) + car_block(LEAF, b"x"),
        a_car(),
        a_car(Entry("picture", LEAF, 1)),
        a_car(Entry("00000000000٠", LEAF, 1)),
        a_car(Entry("000000000000", LEAF, 1), root=LEAF),
    ],
    ids=["nothing", "text", "header", "file", "empty", "words", "digits", "root"],
)
def test_what_is_no_archive_is_refused(data: bytes) -> None:
    with pytest.raises(NodeError) as refused:
        Archive(Ranges(data).read)

    assert refused.value.code is NodeCode.ARCHIVE_UNREADABLE


def test_a_place_that_is_a_lie_is_found() -> None:
    archive = Archive(Ranges(a_car(Entry("000000000007", LEAF, 1)) + car_block(LEAF, b"x")).read)

    with pytest.raises(NodeError) as refused:
        list(archive.pieces(LEAF))
    assert refused.value.code is NodeCode.CONTENT_MISMATCH
    with pytest.raises(NodeError) as refused:
        list(archive.pieces(cid_of(RAW, b"y")))
    assert refused.value.code is NodeCode.CONTENT_MISSING


# In a folder


def test_an_archive_in_a_folder_is_named_by_its_piece_and_found_by_its_root(files: Files, tmp_path: Path) -> None:
    (plan,) = files.plans()

    file, piece = write(plan, files.block, tmp_path)

    assert file.name == f"{piece.cid}.car"
    assert (file.read_bytes(), piece_of(file)) == (packed(files), piece)
    assert roots_in(tmp_path) == {plan.root: file}
    assert list(tmp_path.iterdir()) == [file]
    archive, cid = Archive(reader_of(str(file))), list(files.data)[-1]
    assert b"".join(archive.pieces(cid, 5, 2_000_000)) == files.data[cid][5:2_000_000]


def test_an_archive_whose_blocks_are_not_all_there_is_not_written(files: Files, tmp_path: Path) -> None:
    (plan,) = files.plans()
    short = {cid: block for cid, block in files.blocks.items() if cid != list(files.blocks)[-2]}

    with pytest.raises(KeyError):
        write(plan, short.__getitem__, tmp_path)
    assert roots_in(tmp_path) == {}


WRITER = """
import sys
from pathlib import Path
sys.path.insert(0, "tests/node")
from test_archives import SIZES, Files
from node.keeping.archiving import write
files, left = Files(*SIZES), 4
(plan,) = files.plans()
def block(cid):
    global left
    left -= 1
    if not left:
        print("half", flush=True)
        sys.stdin.read()
    return files.block(cid)
write(plan, block, Path(sys.argv[1]))
"""


def test_a_writer_that_is_killed_leaves_no_archive_and_the_next_one_begins_anew(files: Files, tmp_path: Path) -> None:
    (plan,) = files.plans()
    command = [sys.executable, "-c", WRITER, str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout is not None
        assert writer.stdout.readline() == "half\n"
        with pytest.raises(BlockingIOError):
            write(plan, files.block, tmp_path)
        os.kill(writer.pid, signal.SIGKILL)
    (tmp_path / archiving.UNFINISHED).write_bytes(bytes(9_000_000))
    assert roots_in(tmp_path) == {}

    file, _ = write(plan, files.block, tmp_path)

    assert (file.read_bytes(), list(tmp_path.iterdir())) == (packed(files), [file])


# Over HTTP


class RangeHandler(http.server.SimpleHTTPRequestHandler):
    """A file server that gives ranges."""

    ranges = True

    def do_GET(self) -> None:
        data = Path(self.translate_path(self.path)).read_bytes()
        if not self.ranges:
            self.send_response(200)
        else:
            first, last = map(int, self.headers["Range"].removeprefix("bytes=").split("-"))
            self.send_response(206)
            self.send_header("Content-Range", f"bytes {first}-{min(last, len(data) - 1)}/{len(data)}")
            data = data[first : last + 1]
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def served(files: Files, tmp_path: Path) -> Iterator[str]:
    write(files.plans()[0], files.block, tmp_path)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(RangeHandler, directory=str(tmp_path))) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/{next(tmp_path.iterdir()).name}"
        server.shutdown()
        thread.join()


def test_a_file_is_read_out_of_an_archive_over_http(files: Files, served: str) -> None:
    archive = Archive(reader_of(served))

    for cid, data in files.data.items():
        assert b"".join(archive.pieces(cid)) == data


@pytest.mark.parametrize("place", ["http://127.0.0.1:9/x.car", "nowhere.car", "ftp://x/y.car", "/nowhere/at/all.car"])
def test_a_place_that_gives_nothing_is_told(place: str) -> None:
    with pytest.raises(NodeError) as refused:
        Archive(reader_of(place))
    assert refused.value.code is NodeCode.ARCHIVE_UNREADABLE


def test_a_server_that_gives_no_ranges_is_told(served: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(RangeHandler, "ranges", False)
    with pytest.raises(NodeError) as refused:
        Archive(reader_of(served))
    assert refused.value.code is NodeCode.ARCHIVE_UNREADABLE
