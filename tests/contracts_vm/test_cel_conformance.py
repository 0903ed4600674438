"""The published conformance cases of the Common Expression Language, and the page that reports them.

Set REMARQUE_CONFORMANCE to a folder that has the cases as JSON under `cel/`; without it they are not run, and say so.
"""

import importlib.util
import os
import sys
from pathlib import Path
from types import ModuleType

import pytest

SCRIPT = Path(__file__).parents[2] / "scripts" / "write_cel_conformance.py"
FOLDER = os.environ.get("REMARQUE_CONFORMANCE", "")
IN_PROFILE = 688


@pytest.fixture(scope="module")
def cases() -> ModuleType:
    spec = importlib.util.spec_from_file_location("write_cel_conformance", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@pytest.mark.skipif(not FOLDER, reason="not run: REMARQUE_CONFORMANCE names no folder with the cases as cel/*.json")
def test_every_case_in_the_profile_passes_and_the_page_says_so(cases: ModuleType) -> None:
    found = cases.outcomes(FOLDER)
    failed = {line.partition(":")[0] for counts in found.values() for line in counts.failed}

    assert failed == cases.ARTEFACTS
    assert sum(counts.passed for counts in found.values()) >= IN_PROFILE - len(failed)
    assert cases.PAGE.read_text(encoding="utf-8") == cases.page(found), "run scripts/write_cel_conformance.py"
