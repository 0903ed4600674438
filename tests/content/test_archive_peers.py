"""A content archive as another program of IPFS reads it: a directory, which it takes whole and pins by its root."""

from __future__ import annotations

import random
import urllib.parse
import urllib.request
from pathlib import Path
from typing import Any

import msgspec
import pytest
from ipfs_programs import js_ipfs

from remarque.archives import measured, parts_of, plans
from remarque.cars import MEDIA_TYPE
from remarque.dag import import_file

pytestmark = pytest.mark.peers


def asked(url: str, call: str, car: bytes | None = None, **params: str) -> bytes:
    """An answer of Kubo's RPC; a CAR is sent as a file of a form."""
    body, headers, boundary = b"", dict[str, str](), "archive"
    if car is not None:
        headers["Content-Type"] = f"multipart/form-data; boundary={boundary}"
        head = f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="a.car"\r\n'
        body = f"{head}Content-Type: {MEDIA_TYPE}\r\n\r\n".encode() + car + f"\r\n--{boundary}--\r\n".encode()
    query = urllib.parse.urlencode(params)
    request = urllib.request.Request(f"{url}/api/v0/{call}?{query}", body, headers, method="POST")
    with urllib.request.urlopen(request, timeout=60) as response:
        return bytes(response.read())


def test_a_program_of_ipfs_reads_an_archive_as_a_directory_of_its_files(tmp_path: Path) -> None:
    files, blocks = dict[str, bytes](), dict[str, bytes]()
    for size in (1, 1_048_577, 3_000_000):
        data = random.Random(size).randbytes(size)
        cid, found = import_file(data)
        files[cid], blocks = data, blocks | dict(found)
    (plan,) = plans((measured(cid, blocks.__getitem__) for cid in files), 1 << 30)
    car = b"".join(parts_of(plan, blocks.__getitem__))

    with js_ipfs(tmp_path) as url:
        assert plan.root.encode() in asked(url, "dag/import", car, **{"pin-roots": "true"})
        listed: Any = msgspec.json.decode(asked(url, "ls", arg=plan.root, **{"cid-base": "base32"}))
        (directory,) = listed["Objects"]
        assert [(one["Hash"], one["Size"]) for one in directory["Links"]] == [(c, len(d)) for c, d in files.items()]
        for one in directory["Links"]:
            assert asked(url, "cat", arg=f"{plan.root}/{one['Name']}") == files[one["Hash"]]
        assert plan.root.encode() in asked(url, "pin/ls", arg=plan.root, type="recursive", **{"cid-base": "base32"})
