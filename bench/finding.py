"""Whether pictures are found again after what the world does to them, and whether what was changed of them is named.

    python -m bench.finding --photographs FOLDER [--generated 1000] [--part found|altered|false|cost]

Photographs are those of `bench/photographs.txt`, wherever they lie below FOLDER, where these packages are unpacked:
Debian's lomiri-wallpapers-16.04 and -20.04, mate-backgrounds, plasma-workspace-wallpapers and opencv-doc, and from PyPI
scikit-image, matplotlib and the source of iscc-samples. Generated pictures are the default model's. Thresholds are
chosen on the half of each kind that `--half 0` takes; what is published is of `--half 1`.

All pictures are recorded, and what is cut out of large photographs too: then a copy is looked up by the indexes of a
node, and what they name is compared with it. A copy is found if the picture that it was made of is confirmed.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import NamedTuple

import cv2
from PIL import Image

from bench.copies import Copy, after, brightness, copies, cropped, jpeg, resized, saved, screenshot
from bench.edits import EDITS
from bench.painted.scenes import draw_scene
from generator.models import default_model_folder
from generator.pipeline import Pipeline
from generator.settings import Settings
from node.verification.code_index import CodeIndex
from node.verification.corner_index import CornerIndex
from pictures.alteration import ALTERED_LEAST
from pictures.comparing import STEPS, WINDOW_BITS_MAX, PictureComparison, Seen, compare
from pictures.features import packed
from pictures.opening import open_picture
from pictures.reduction import reduce
from pictures.windows import ASKS_FOR_WINDOWS, WHOLES, WINDOWS

SIDE_MAX = 1600
"""Pixels to which photographs are brought before they are recorded."""
PARTS_SIDE_LEAST = 1600
"""Pixels of a longer side from which on a photograph's parts are recorded as pictures of their own."""
PROMPT_SEED = 10**15
BATCH = 20
WITHIN = 72
"""Bits of 256 within which indexes name a picture."""
NAMED_MAX = 10
"""Pictures that each index names."""
WAYS: dict[str, Copy] = {
    "JPEG q85": jpeg(85),
    "half, q70": resized(0.5, 70),
    "crop 10 %": after(cropped(0.1)),
    "brightness +20 %": after(brightness(1.2)),
    "screenshot": screenshot("JPEG"),
}
"""What is done with an edited picture."""
HARMLESS_TO = "crop 40 %"
"""The last of the copies that must raise no alarm; those after it show other things too, or are seen at an angle."""


class Original(NamedTuple):
    """A picture that is recorded."""

    name: str
    image: Image.Image
    parts: int
    """Into so many along each side it is cut for pictures of their own; 1 if it is not cut."""


def main() -> None:
    """Measure what is asked for, and print a table of it."""
    parser = argparse.ArgumentParser(prog="python -m bench.finding", description=__doc__.splitlines()[0])
    parser.add_argument("--photographs", type=Path, required=True)
    parser.add_argument("--generated", type=int, default=1000)
    parser.add_argument("--half", type=int, choices=(0, 1), default=1)
    parser.add_argument("--part", choices=("found", "altered", "false", "cost"), action="append")
    parser.add_argument("--asked", type=int, default=100, help="at most so many of each kind are copied and edited")
    parser.add_argument("--workers", type=int, default=2)
    arguments = parser.parse_args()
    cv2.setNumThreads(1)
    kinds = {
        "photographs": list(photographs(arguments.photographs)),
        "generated": list(generated(arguments.photographs / "generated", arguments.generated)),
    }
    recorded = [picture for kind in kinds.values() for picture in kind]
    library = Library(recorded)
    print(json.dumps({kind: len(some) for kind, some in kinds.items()} | {"recorded, parts included": len(library)}))
    asked = set(arguments.part or ("found", "altered", "false", "cost"))
    with ProcessPoolExecutor(arguments.workers, get_context("fork"), partial(_begin, library)) as pool:
        for kind, some in kinds.items():
            numbers = [recorded.index(picture) for picture in some[arguments.half :: 2][: arguments.asked]]
            if "found" in asked:
                report_found(kind, [row for rows in pool.map(_found, numbers) for row in rows])
            if "altered" in asked:
                report_altered(kind, [row for rows in pool.map(_altered, numbers) for row in rows])
        if "false" in asked:
            report_false(library, [pair for pairs in pool.map(_matches, range(len(library))) for pair in pairs])
    if "cost" in asked:
        report_cost(library)


def photographs(folder: Path) -> Iterator[Original]:
    """Those of the list that lie below a folder."""
    files = (Path(place) / name for place, _, names in os.walk(folder, followlinks=True) for name in names)
    below = sorted(files)
    for name in Path(__file__).with_name("photographs.txt").read_text().split():
        path = next((path for path in below if str(path).endswith(f"/{name}")), None)
        if path is not None:
            with Image.open(path) as image:
                longer = max(image.size)
                image.draft("RGB", (SIDE_MAX, SIDE_MAX))
                shown = image.convert("RGB")
            shown.thumbnail((SIDE_MAX, SIDE_MAX), Image.Resampling.LANCZOS)
            yield Original(name, shown, 1 if longer < PARTS_SIDE_LEAST else 2 if longer < 3000 else 4)


def generated(folder: Path, count: int) -> Iterator[Original]:
    """What the default model draws of varied prompts, four seeds for each; kept in a folder, for drawing takes long."""
    folder.mkdir(exist_ok=True)
    missing = [number for number in range(count) if not (folder / f"{number}.png").exists()]
    pipeline = Pipeline(default_model_folder())
    for start in range(0, len(missing), BATCH):
        some = missing[start : start + BATCH]
        prompts = [draw_scene(PROMPT_SEED + each // 4).caption for each in some]
        wanted = [Settings(prompt=prompt, seed=each, steps=20) for prompt, each in zip(prompts, some, strict=True)]
        for number, image in zip(some, pipeline.generate_batch(wanted, lambda step, steps: None), strict=True):
            image.save(folder / f"{number}.png")
    for number in range(count):
        with Image.open(folder / f"{number}.png") as image:
            yield Original(f"generated {number}", image.convert("RGB"), 1)


class Library:
    """All that is recorded, with the indexes of a node."""

    def __init__(self, originals: list[Original]) -> None:
        self.originals = originals
        self.seen = [seen(saved(original.image)) for original in originals]
        self.whose = list(range(len(originals)))
        """The original that each recorded picture is, or is a part of."""
        for number, original in enumerate(originals):
            for part in parts_of(original):
                self.seen.append(seen(saved(part)))
                self.whose.append(number)
        self._folder = TemporaryDirectory()
        folder = Path(self._folder.name)
        self.wholes, self.windows = CodeIndex(folder / "wholes", WHOLES), CodeIndex(folder / "windows", WINDOWS)
        self.corners = CornerIndex(folder)
        for number, picture in enumerate(self.seen):
            self.wholes.add(number, picture.codes[:WHOLES])
            self.windows.add(number, picture.codes)
            self.corners.add(number, picture.features)

    def __len__(self) -> int:
        return len(self.seen)

    def overlap(self, one: int, other: int) -> bool:
        """Whether one of two recorded pictures is the other or a part of it; parts do not overlap each other."""
        wholes = min(one, other) < len(self.originals)
        return self.whose[one] == self.whose[other] and (wholes or one == other)

    def named(self, brought: Seen) -> list[int]:
        """The recorded pictures that the indexes name, in the order of what named them."""
        codes = [*self.wholes.near(brought.asked_codes, WITHIN, NAMED_MAX)]
        codes += self.windows.near(brought.asked_codes[:ASKS_FOR_WINDOWS], WITHIN, NAMED_MAX)
        voted = self.corners.voted(tuple(view.descriptors for view in brought.asked_features), NAMED_MAX)
        return list(dict.fromkeys([*(near.number for near in codes), *(each.number for each in voted)]))

    def confirmed(self, brought: Seen) -> dict[int, PictureComparison]:
        """Which of them are confirmed."""
        found = {number: compare(brought, self.seen[number]) for number in self.named(brought)}
        return {number: each for number, each in found.items() if each is not None}


def parts_of(original: Original) -> Iterator[Image.Image]:
    """Parts of a large picture that do not overlap."""
    steps = original.parts if original.parts > 1 else 0
    width, height = original.image.width // max(1, steps), original.image.height // max(1, steps)
    for across in range(steps):
        for down in range(steps):
            box = (across * width, down * height, (across + 1) * width, (down + 1) * height)
            yield original.image.crop(box)


def seen(data: bytes) -> Seen:
    """What is known of the picture in a file."""
    picture = Seen(reduce(open_picture(data)))
    _ = picture.codes, picture.features
    return picture


_library: list[Library] = []
"""What a process of the pool works with."""


def _begin(library: Library) -> None:
    cv2.setNumThreads(1)
    _library.append(library)


def _found(number: int) -> list[tuple[str, str, bool, float]]:
    """Of each copy of an original: its name, by which step it was found, whether another was, and how far altered."""
    library, image = _library[0], _library[0].originals[number].image
    others = [original.image for original in library.originals if original.name != library.originals[number].name]
    rows: list[tuple[str, str, bool, float]] = []
    for name, copy in copies([_small(other) for other in others[::9]]).items():
        brought = Seen(reduce(open_picture(copy(image, random.Random(f"{number} {name}")))))
        confirmed = library.confirmed(brought)
        own = confirmed.get(number)
        false = any(library.whose[other] != number for other in confirmed) and name != "collage of 4"
        rows.append((name, own.step if own else "", false, own.alterations.strongest if own else 0.0))
    return rows


def _altered(number: int) -> list[tuple[str, str, bool, bool]]:
    """Of each edit, and each way of copying what was edited: its names, whether it was found, and whether named."""
    library, image = _library[0], _small(_library[0].originals[number].image, 1000)
    other = library.originals[(number * 7 + 3) % len(library.originals)].image
    rows = []
    for name, edit in EDITS.items():
        chance = random.Random(f"{number} {name}")
        edited = edit(image, other, chance)
        if edited is None:
            continue
        for way, copy in WAYS.items():
            brought = Seen(reduce(open_picture(copy(edited, chance))))
            own = library.confirmed(brought).get(number)
            rows.append((name, way, own is not None, own is not None and bool(own.alterations.regions or own.added)))
    return rows


def _matches(number: int) -> list[tuple[int, int]]:
    """Which recorded pictures that have nothing in common with one are confirmed to be it.

    Those are compared of which any code is near enough to be tried, or that corners name: nothing else can be confirmed
    by codes, and with fewer corners alike than an index asks for a picture is not looked at.
    """
    library, brought = _library[0], _library[0].seen[number]
    near = library.wholes.near(brought.asked_codes, WINDOW_BITS_MAX, len(library))
    near += library.windows.near(brought.asked_codes[:ASKS_FOR_WINDOWS], WINDOW_BITS_MAX, len(library))
    voted = library.corners.voted(tuple(view.descriptors for view in brought.asked_features), len(library))
    others = {each.number for each in near} | {each.number for each in voted}
    apart = [other for other in sorted(others) if not library.overlap(number, other)]
    return [(number, other) for other in apart if compare(brought, library.seen[other])]


def report_found(kind: str, rows: list[tuple[str, str, bool, float]]) -> None:
    """Print how many of each copy were found, and how."""
    print(f"\n## found, {kind}\n| copy | of | found % | whole | window | features | another one | false alarm % |")
    print("|---|---|---|---|---|---|---|---|")
    alarms = []
    harmless = True
    for name in dict.fromkeys(row[0] for row in rows):
        some = [row for row in rows if row[0] == name]
        steps = [sum(row[1] == step for row in some) for step in STEPS]
        raised = [row[3] >= ALTERED_LEAST for row in some if row[1]]
        alarms += raised if harmless else []
        print(
            f"| {name} | {len(some)} | {_percent(sum(steps), len(some))} | {' | '.join(map(str, steps))} "
            f"| {sum(row[2] for row in some)} | {_percent(sum(raised), len(raised)) if harmless else '-'} |"
        )
        harmless = harmless and name != HARMLESS_TO
    print(f"false alarms: {sum(alarms)} of {len(alarms)} harmless copies, {_percent(sum(alarms), len(alarms))} %")


def report_altered(kind: str, rows: list[tuple[str, str, bool, bool]]) -> None:
    """Print how many edited copies were found, and in how many of those the edit was named."""
    print(f"\n## altered, {kind}\n| edit | of | found % | named % of those found |\n|---|---|---|---|")
    for name in dict.fromkeys(row[0] for row in rows):
        some = [row for row in rows if row[0] == name]
        found = [row for row in some if row[2]]
        print(
            f"| {name} | {len(some)} | {_percent(len(found), len(some))} "
            f"| {_percent(sum(row[3] for row in found), len(found))} |"
        )
    found = [row for row in rows if row[2] and row[0] != "meme bar"]
    print(f"named, meme bars aside: {_percent(sum(row[3] for row in found), len(found))} % of {len(found)}")


def report_false(library: Library, pairs: list[tuple[int, int]]) -> None:
    """Print the pairs of different pictures that were taken for each other."""
    count = len(library)
    same = sum(library.overlap(one, other) for one in range(count) for other in range(count) if one != other)
    names = [
        (library.originals[library.whose[one]].name, library.originals[library.whose[two]].name) for one, two in pairs
    ]
    print(f"\n## false matches\n{len(pairs)} among {count * (count - 1) - same} ordered pairs of {count} pictures")
    for one, other in names:
        print(f"{one} is taken for {other}")


def report_cost(library: Library) -> None:
    """Print time and bytes for a picture of 12 megapixels and for one of a megapixel."""
    print("\n## cost\n| what | ms |\n|---|---|")
    image = library.originals[0].image
    for sides in ((4000, 3000), (1152, 864)):
        picture = open_picture(saved(image.resize(sides), "JPEG", quality=90))
        small = reduce(picture)
        print(f"| reduce {sides[0]} x {sides[1]} | {_milliseconds(partial(reduce, picture))} |")
    fresh = partial(Seen, small)
    print(f"| codes of {WINDOWS} windows | {_milliseconds(lambda: fresh().codes)} |")
    print(f"| corners to keep | {_milliseconds(lambda: fresh().features)} |")
    print(f"| codes to ask with | {_milliseconds(lambda: fresh().asked_codes)} |")
    print(f"| corners to ask with | {_milliseconds(lambda: fresh().asked_features)} |")
    own, other = library.seen[0], library.seen[1]
    _ = own.asked_codes, own.asked_features
    print(f"| compare with itself | {_milliseconds(lambda: compare(own, own))} |")
    print(f"| compare with another | {_milliseconds(lambda: compare(own, other))} |")
    print(
        f"bytes kept: codes {own.codes.nbytes}, corners {median(len(packed(each.features)) for each in library.seen)}"
    )


def _milliseconds(work: Callable[[], object], times: int = 9) -> float:
    spent = []
    for _ in range(times):
        begun = time.perf_counter()
        work()
        spent.append(time.perf_counter() - begun)
    return round(1000 * median(spent), 1)


def _percent(part: int, whole: int) -> float:
    return round(100 * part / whole, 2) if whole else 0.0


def _small(image: Image.Image, side: int = 500) -> Image.Image:
    small = image.copy()
    small.thumbnail((side, side))
    return small


if __name__ == "__main__":
    main()
