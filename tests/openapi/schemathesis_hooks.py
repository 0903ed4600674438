"""What schemathesis must know of a node beside its description.

`REMARQUE_KNOWN` maps the examples of parameters to what stands on the chain that is asked, so that an example finds
something; other values stay as they were made. `REMARQUE_ANSWERS` is the file to which every operation is noted with
the status that it was answered with.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import schemathesis

KNOWN: dict[str, dict[str, Any]] = json.loads(os.environ["REMARQUE_KNOWN"])
"""By parameter: its example in the description, and what to ask for instead."""


@schemathesis.serializer("application/json")
def canonical(_: object, value: Any) -> bytes:
    """JSON in the one spelling that transactions must have (RFC 8785). Bytes that are no JSON stay as they are."""
    if isinstance(value, bytes):
        return value
    written = json.dumps(_spelled(value), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return written.encode("utf-8", "surrogatepass")


def _spelled(value: Any) -> Any:
    """A value whose whole numbers are spelled without a fraction: 5 and not 5.0."""
    if isinstance(value, dict):
        return {name: _spelled(one) for name, one in value.items()}
    if isinstance(value, list):
        return [_spelled(one) for one in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


@schemathesis.serializer("application/timestamp-query")
def timestamp_query(_: object, value: Any) -> Any:
    """Bytes as they are."""
    return value if isinstance(value, bytes) else str(value).encode()


@schemathesis.serializer("application/cose")
def cose(_: object, value: Any) -> Any:
    """Bytes as they are."""
    return value if isinstance(value, bytes) else str(value).encode()


@schemathesis.hook
def before_call(_: object, case: Any, kwargs: Any) -> None:
    """Ask for what is there in the place of an example."""
    for parameters in (case.path_parameters, case.query):
        for name, value in (parameters or {}).items():
            known = KNOWN.get(name)
            if known is not None and value == known["example"]:
                parameters[name] = known["real"]


@schemathesis.hook
def after_call(_: object, case: Any, response: Any) -> None:
    """Note what was answered."""
    with Path(os.environ["REMARQUE_ANSWERS"]).open("a") as answers:
        answers.write(f"{response.request.method} {case.path}\t{response.status_code}\n")
