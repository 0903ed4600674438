"""Says, before anything is set up, whether this machine can, and if not the exact fix. Any Python 3 can run it."""

import os
import platform
import shutil
import sys

DISK_BYTES_MIN = 4 * 1024**3


def fault():
    """What keeps this machine from it, and the fix; None if nothing does."""
    version = "{}.{}".format(*sys.version_info[:2])
    if version not in ("3.11", "3.12"):
        return f"Python {version} found, 3.11 or 3.12 needed: install python3.11, or make PYTHON=/path/to/python3.11"
    if sys.platform != "linux" or platform.machine() != "x86_64":
        return f"{sys.platform} on {platform.machine()} found, Linux on x86_64 needed: the locked packages are for it"
    try:
        import ensurepip  # noqa: F401
        import venv  # noqa: F401
    except ImportError:
        return f"Python's venv is missing: apt-get install python{version}-venv"
    free = shutil.disk_usage(os.getcwd()).free
    if free < DISK_BYTES_MIN:
        return f"{free >> 20} MiB free here, {DISK_BYTES_MIN >> 20} needed: make room"
    return None


if __name__ == "__main__":
    found = fault()
    if found:
        sys.exit("cannot set up: " + found)
