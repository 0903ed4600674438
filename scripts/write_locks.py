"""Writes locks/: the exact version of everything installed in this environment, by who needs it.

    make lock

`node.txt` is what a node needs, `generator.txt` adds the generator, `fleet.txt` adds Ray to that and is left as it is
where Ray is not installed, `development.txt` adds the tests' tools to the generator. Versions are those of the
environment, so update that first; no registry or file hash is written, for they differ by machine.
"""

import re
import tomllib
from importlib.metadata import PackageNotFoundError, distribution, requires
from pathlib import Path

from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parent.parent


def closure(wanted: list[str]) -> dict[str, str]:
    """Versions of the wanted distributions and all they need here."""
    found: dict[str, str] = {}
    waiting = [Requirement(one) for one in wanted]
    while waiting:
        requirement = waiting.pop()
        name = re.sub(r"[-_.]+", "-", requirement.name).lower()
        try:
            version = distribution(name).version.partition("+")[0]
        except PackageNotFoundError:
            continue
        known = name in found
        found[name] = version
        if known and not requirement.extras:
            continue
        for line in requires(name) or []:
            part = Requirement(line)
            environments = [{"extra": extra} for extra in sorted(requirement.extras)] or [{"extra": ""}]
            if part.marker is None or any(part.marker.evaluate(one) for one in environments):
                waiting.append(part)
    return found


def main() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    node = project["project"]["dependencies"]
    generator = node + project["project"]["optional-dependencies"]["generator"]
    fleet = generator + project["project"]["optional-dependencies"]["fleet"]
    development = generator + project["dependency-groups"]["dev"] + ["setuptools", "packaging"]
    wanted_by = {"node": node, "generator": generator, "development": development, "fleet": fleet}
    for name, wanted in wanted_by.items():
        found = closure(wanted)
        if name == "fleet" and "ray" not in found:
            continue
        lines = [f"{package}=={version}" for package, version in sorted(found.items())]
        (ROOT / "locks" / f"{name}.txt").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
