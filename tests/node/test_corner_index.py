"""The index of corners: pictures are found by a part of theirs, in one order on every node, and outlive a kill."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pytest

from node.verification import corner_index, corner_segments
from node.verification.corner_index import CornerIndex, Voted
from node.verification.corner_segments import alike, segment_of
from pictures.features import Features


def features_of(number: int, count: int = 60) -> Features:
    chance = np.random.default_rng(number)
    points = np.round(chance.uniform(0, 500, (count, 2)) * 64) / 64
    return Features(points.astype(np.float32), chance.integers(0, 256, (count, 32), dtype=np.uint8))


def seen_again(features: Features, bits: int, seed: int = 1) -> np.ndarray:
    """The same corners, each with some bits changed."""
    chance, flat = random.Random(seed), np.unpackbits(features.descriptors, axis=1)
    for row in flat:
        row[chance.sample(range(256), bits)] ^= 1
    return np.packbits(flat, axis=1)


def filled(folder: Path, numbers: list[int]) -> CornerIndex:
    index = CornerIndex(folder)
    for number in numbers:
        index.add(number, features_of(number))
    return index


def test_a_picture_is_found_by_corners_that_changed_a_tenth(tmp_path: Path) -> None:
    index = filled(tmp_path, list(range(30)))
    (first,) = index.voted((seen_again(features_of(17), 25),), 5)

    assert first.number == 17
    assert first.votes >= 8


def test_the_view_that_has_most_counts(tmp_path: Path) -> None:
    index = filled(tmp_path, list(range(5)))
    views = (seen_again(features_of(2), 30), features_of(2).descriptors)

    assert index.voted(views, 5) == [Voted(60, 2)]
    assert index.voted(views[::-1], 5) == [Voted(60, 2)]


def test_few_corners_name_nothing_and_none_name_nothing(tmp_path: Path) -> None:
    index = filled(tmp_path, [0, 1])

    assert index.voted((features_of(1).descriptors[:1],), 5) == []
    assert index.voted((features_of(1).descriptors[:2],), 5) == [Voted(2, 1)]
    assert index.voted((np.zeros((0, 32), np.uint8),), 5) == []


def test_a_corner_votes_once_for_a_picture_however_often_that_has_it(tmp_path: Path) -> None:
    index, two = CornerIndex(tmp_path), features_of(1, 2)
    index.add(0, Features(np.repeat(two.points, 50, axis=0), np.repeat(two.descriptors, 50, axis=0)))

    assert index.voted((two.descriptors,), 5) == [Voted(2, 0)]


def test_a_corner_that_many_pictures_have_says_little_of_any(tmp_path: Path) -> None:
    index, common, rare = CornerIndex(tmp_path), features_of(1, 30), features_of(2, 10)
    for number in range(20):
        index.add(number, common)
    index.add(20, rare)
    index.add(
        21,
        Features(np.concatenate([common.points, rare.points]), np.concatenate([common.descriptors, rare.descriptors])),
    )
    asked = np.concatenate([common.descriptors, rare.descriptors[:6]])

    assert [(round(each.votes, 2), each.number) for each in index.voted((asked,), 5)] == [(4.43, 21), (3.0, 20)]


def test_equals_come_in_the_order_of_recording_whatever_came_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(corner_index, "SEALED_TOGETHER", 2)
    answers = []
    for order in ([4, 1, 3, 0, 2, 9], [0, 1, 2, 3, 4, 9], [9, 4, 3, 2, 1, 0]):
        (tmp_path / str(order)).mkdir()
        index = CornerIndex(tmp_path / str(order))
        for number in order:
            index.add(number, features_of(77 if number < 9 else 9))
        answers.append(index.voted((features_of(77).descriptors,), 3))

    assert [each.number for each in answers[0]] == [0, 1, 2]
    assert len({each.votes for each in answers[0]}) == 1
    assert answers[0] == answers[1] == answers[2]


def test_segments_of_any_number_of_pictures_answer_alike(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(corner_index, "SEALED_TOGETHER", 3)
    index = CornerIndex(tmp_path)
    for number in range(29):
        index.add(number, features_of(number))
        assert index.voted((features_of(number // 2).descriptors,), 5) == [Voted(60, number // 2)]


def test_it_is_there_again_after_a_start_in_order_or_not(tmp_path: Path) -> None:
    filled(tmp_path, list(range(70))).close()
    again = CornerIndex(tmp_path)
    assert (tmp_path / "corners.ordered").exists()
    again.add(70, features_of(70))
    again.close()
    third = CornerIndex(tmp_path)

    assert (len(third), third.newest) == (71, 70)
    for number in (0, 69, 70):
        assert third.voted((features_of(number).descriptors,), 5) == [Voted(60, number)]
        assert np.array_equal(third.features(number).descriptors, features_of(number).descriptors)


@pytest.mark.parametrize("damage", ["gone", "cut", "magic", "of more rows"])
def test_an_order_that_is_not_of_these_rows_is_made_again(tmp_path: Path, damage: str) -> None:
    filled(tmp_path, list(range(70))).close()
    CornerIndex(tmp_path).close()
    ordered = tmp_path / "corners.ordered"
    data = ordered.read_bytes()
    if damage == "gone":
        ordered.unlink()
    else:
        changed = {"cut": data[:-1], "magic": b"x" + data[1:], "of more rows": data[:8] + b"\xff" + data[9:]}
        ordered.write_bytes(changed[damage])
    index = CornerIndex(tmp_path)

    assert index.voted((features_of(33).descriptors,), 5) == [Voted(60, 33)]
    assert ordered.read_bytes() == data


def test_a_cell_that_is_too_full_tells_nothing_and_costs_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(corner_segments, "CELL_MAX", 4)
    one = features_of(1, 1).descriptors
    four, five = (segment_of(np.repeat(one, count, axis=0), np.arange(count, dtype=np.uint32)) for count in (4, 5))

    assert len(alike(four, one)) == 4
    assert len(alike(five, one)) == 0


def test_many_corners_alike_are_compared_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    descriptors = np.repeat(features_of(3, 20).descriptors, 10, axis=0)
    segment = segment_of(descriptors, np.arange(200, dtype=np.uint32))
    whole = alike(segment, features_of(3, 20).descriptors)
    monkeypatch.setattr(corner_segments, "COMPARED_TOGETHER", 7)

    assert len(whole) == 200
    assert np.array_equal(alike(segment, features_of(3, 20).descriptors), whole)
