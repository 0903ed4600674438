"""Says, before anything is set up, whether this machine can, and if not the exact fix. Any Python 3 can run it."""

import os
import platform
import shutil
import sys

DISK_BYTES_MIN = 4 * 1024**3


def fault():
    if sys.version_info[:2] not in ((3, 11), (3, 12)):
        return (
            "Python %d.%d found, 3.11 or 3.12 needed: install python3.11, or `make PYTHON=/path/to/python3.11`"
            % (sys.version_info[:2])
        )
    if sys.platform != "linux" or platform.machine() != "x86_64":
        return "%s on %s found, Linux on x86_64 needed: plyvel and torch have no wheels pinned here for others" % (
            sys.platform,
            platform.machine(),
        )
    try:
        import ensurepip  # noqa: F401
        import venv  # noqa: F401
    except ImportError:
        return "Python's venv is missing: apt-get install python%d.%d-venv" % sys.version_info[:2]
    free = shutil.disk_usage(os.getcwd()).free
    if free < DISK_BYTES_MIN:
        return "%d MiB free here, %d needed: make room" % (free >> 20, DISK_BYTES_MIN >> 20)
    return None


if __name__ == "__main__":
    found = fault()
    if found:
        sys.exit("cannot set up: " + found)
