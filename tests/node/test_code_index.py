"""The index of codes: every near one is found, in an order that is the same on every node; a kill costs its tail."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from node.verification import code_index
from node.verification.code_index import CodeIndex, NearCode
from node.verification.kept_rows import UNIT

EACH = 3
ROW = (EACH + 1) * UNIT


def codes_of(number: int) -> np.ndarray:
    return np.random.default_rng(number).integers(0, 256, (EACH, 32), dtype=np.uint8)


def with_bits_changed(code: np.ndarray, bits: int, seed: int = 1) -> np.ndarray:
    flat = np.unpackbits(code)
    flat[random.Random(seed).sample(range(256), bits)] ^= 1
    return np.packbits(flat)[None]


def filled(folder: Path, numbers: list[int]) -> CodeIndex:
    index = CodeIndex(folder / "codes", EACH)
    for number in numbers:
        index.add(number, codes_of(number))
    return index


def test_a_near_code_is_found_with_its_picture_and_window(tmp_path: Path) -> None:
    index = filled(tmp_path, list(range(50)))

    assert index.near(with_bits_changed(codes_of(20)[2], 30), 40, 5) == [NearCode(30, 20, 2)]
    assert index.near(with_bits_changed(codes_of(20)[2], 40), 40, 5) == [NearCode(40, 20, 2)]
    assert index.near(with_bits_changed(codes_of(20)[2], 41), 40, 5) == []


def test_of_a_picture_the_nearest_code_by_any_way_to_ask_counts(tmp_path: Path) -> None:
    index = filled(tmp_path, [4, 9])
    asked = np.concatenate([with_bits_changed(codes_of(9)[0], 20), with_bits_changed(codes_of(9)[1], 7)])

    assert index.near(asked, 40, 5) == [NearCode(7, 9, 1)]


def test_the_nearest_come_first_and_of_equals_the_first_recorded_whatever_came_first(tmp_path: Path) -> None:
    shared = codes_of(1000)
    numbers = [3, 1, 2, 0, 7, 5]
    answers = []
    for order in (numbers, sorted(numbers), numbers[::-1]):
        folder = tmp_path / str(order)
        folder.mkdir()
        index = CodeIndex(folder / "codes", EACH)
        for number in order:
            index.add(number, np.concatenate([with_bits_changed(shared[0], number // 2), codes_of(number)[1:]]))
        answers.append(index.near(shared[:1], 40, 4))

    assert [(near.bits, near.number) for near in answers[0]] == [(0, 0), (0, 1), (1, 2), (1, 3)]
    assert answers[0] == answers[1] == answers[2]


def test_a_flood_of_near_codes_is_brought_down_piece_by_piece(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(code_index, "SEARCHED_TOGETHER", 40)
    index = CodeIndex(tmp_path / "codes", EACH)
    for number in range(100):
        index.add(number, np.repeat(with_bits_changed(codes_of(1)[0], 60 - number // 2), EACH, axis=0))

    assert [near.number for near in index.near(codes_of(1)[:1], 80, 3)] == [98, 99, 96]


def test_what_says_whose_a_row_is_is_never_taken_for_a_code(tmp_path: Path) -> None:
    index = filled(tmp_path, [0])
    index.close()
    last = np.frombuffer((tmp_path / "codes").read_bytes()[-UNIT:], np.uint8)

    assert CodeIndex(tmp_path / "codes", EACH).near(last[None], 0, 5) == []


def test_an_empty_index_finds_nothing(tmp_path: Path) -> None:
    index = filled(tmp_path, [])

    assert index.near(codes_of(1), 256, 5) == []
    assert (len(index), index.newest) == (0, -1)


def test_it_is_there_again_after_a_start(tmp_path: Path) -> None:
    filled(tmp_path, [5, 6]).close()
    again = CodeIndex(tmp_path / "codes", EACH)
    again.add(8, codes_of(8))

    assert (len(again), again.newest) == (3, 8)
    assert again.near(codes_of(6)[:1], 0, 5) == [NearCode(0, 6, 0)]
    assert again.near(codes_of(8)[:1], 0, 5) == [NearCode(0, 8, 0)]


@pytest.mark.parametrize("cut", [1, UNIT, ROW - 1, ROW])
def test_a_torn_tail_is_dropped_and_added_again(tmp_path: Path, cut: int) -> None:
    filled(tmp_path, [0, 1, 2]).close()
    os.truncate(tmp_path / "codes", 3 * ROW - cut)
    index = CodeIndex(tmp_path / "codes", EACH)

    assert (len(index), index.newest) == (2, 1)
    index.add(2, codes_of(2))
    assert index.near(codes_of(2)[1:2], 0, 5) == [NearCode(0, 2, 1)]


@pytest.mark.parametrize("place", [0, UNIT, ROW - UNIT, ROW - UNIT + 9, ROW - 1])
def test_a_row_that_is_not_as_it_was_added_is_dropped_with_all_behind_it(tmp_path: Path, place: int) -> None:
    filled(tmp_path, [0, 1, 2, 3]).close()
    data = bytearray((tmp_path / "codes").read_bytes())
    data[2 * ROW + place] ^= 1
    (tmp_path / "codes").write_bytes(data)

    assert len(CodeIndex(tmp_path / "codes", EACH)) == 2


def test_what_lay_behind_a_dropped_row_never_comes_back(tmp_path: Path) -> None:
    filled(tmp_path, [0, 1, 2, 3, 4]).close()
    data = bytearray((tmp_path / "codes").read_bytes())
    data[2 * ROW] ^= 1
    (tmp_path / "codes").write_bytes(data)
    index = CodeIndex(tmp_path / "codes", EACH)
    index.add(2, codes_of(2))
    index.close()

    assert len(CodeIndex(tmp_path / "codes", EACH)) == 3


def test_a_tail_of_zeros_is_dropped(tmp_path: Path) -> None:
    filled(tmp_path, [0, 1]).close()
    with (tmp_path / "codes").open("ab") as file:
        file.write(bytes(3 * ROW))

    assert len(CodeIndex(tmp_path / "codes", EACH)) == 2


def test_what_was_added_before_a_kill_is_there_after_it(tmp_path: Path) -> None:
    program = (
        "import os, signal, sys, numpy as np; from pathlib import Path\n"
        "from node.verification.code_index import CodeIndex\n"
        "index = CodeIndex(Path(sys.argv[1]), 3)\n"
        "for number in range(200): index.add(number, np.full((3, 32), number, np.uint8))\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    subprocess.run([sys.executable, "-c", program, str(tmp_path / "codes")], timeout=60, check=False)
    index = CodeIndex(tmp_path / "codes", EACH)

    assert (len(index), index.newest) == (200, 199)
