"""The worker's logs: one JSON object a line on standard error, of the form that the node's own lines have.

The worker shares the node's standard error, and may run in a Python of its own that has nothing of the node.
"""

from __future__ import annotations

import json
import logging
import sys
from datetime import UTC, datetime


class JsonLines(logging.Formatter):
    """A record as a line: what happened, how grave it is, when, and where in the code."""

    def format(self, record: logging.LogRecord) -> str:
        when = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
        facts = {"event": record.getMessage(), "logger": record.name, "level": record.levelname.lower(), "time": when}
        if record.exc_info:
            facts["exception"] = self.formatException(record.exc_info)
        return json.dumps(facts, ensure_ascii=False)


def configure() -> None:
    """Send all logs of this process, and what libraries warn of, to standard error as JSON lines."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines())
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
    logging.captureWarnings(True)
