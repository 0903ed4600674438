"""A server of another project that speaks S3, as a real process."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import pytest

REGION, DOMAIN, BUCKET = "ap-guangzhou", "cos.ap-guangzhou.test", "pictures-1250000000"
KEY, SECRET = "AKREMARQUE", "secretsecret"
START_SECONDS = 60


class ObjectStore(NamedTuple):
    """A server that speaks S3, with a bucket."""

    port: int
    client: Any
    """Another program's way to it."""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


def free_ports(count: int) -> list[int]:
    """Ports that nobody uses, below those that are 10,000 above them, which the server takes too."""
    ports = set[int]()
    while len(ports) < count:
        with socket.socket() as one:
            one.bind(("127.0.0.1", 0))
            if one.getsockname()[1] < 55_000:
                ports.add(one.getsockname()[1])
    return list(ports)


@contextmanager
def running(folder: Path) -> Iterator[ObjectStore]:
    """SeaweedFS, which refuses wrong signatures as S3 does."""
    program = shutil.which("weed", path=str(Path(sys.executable).parent)) or pytest.fail("no weed: make test-peers")
    (folder / "identities.json").write_text(json.dumps(IDENTITIES))
    master, volume, filer, port, metrics = free_ports(5)
    command = [
        *(program, "server", f"-dir={folder}", "-ip=127.0.0.1", "-ip.bind=127.0.0.1", f"-master.port={master}"),
        *(f"-volume.port={volume}", "-filer", f"-filer.port={filer}", "-s3", f"-s3.port={port}", "-s3.port.iceberg=0"),
        *(f"-s3.config={folder / 'identities.json'}", f"-s3.domainName={DOMAIN}", f"-metricsPort={metrics}"),
        *("-master.volumeSizeLimitMB=64", "-volume.max=100"),
    ]
    with (folder / "log").open("wb") as log, subprocess.Popen(command, stdout=log, stderr=log) as server:
        try:
            yield a_store(port, server, folder / "log")
        finally:
            server.terminate()


IDENTITIES = {
    "identities": [
        {
            "name": "node",
            "credentials": [{"accessKey": KEY, "secretKey": SECRET}],
            "actions": ["Admin", "Read", "Write", "List", "Tagging"],
        },
        {
            "name": "reader",
            "credentials": [{"accessKey": "AKREADER", "secretKey": "readersecret"}],
            "actions": [f"Read:{BUCKET}", f"List:{BUCKET}"],
        },
    ]
}


def a_store(port: int, server: subprocess.Popen[bytes], log: Path) -> ObjectStore:
    import boto3  # of the peers alone
    from botocore.config import Config

    client = boto3.client(
        "s3",
        endpoint_url=f"http://127.0.0.1:{port}",
        aws_access_key_id=KEY,
        aws_secret_access_key=SECRET,
        region_name=REGION,
        config=Config(s3={"addressing_style": "path"}, retries={"max_attempts": 1}),
    )
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            client.create_bucket(Bucket=BUCKET)
            client.put_object(Bucket=BUCKET, Key="first", Body=b"first")
            return ObjectStore(port, client)
        except Exception as error:
            assert server.poll() is None, log.read_text(errors="replace")[-2_000:]
            assert time.monotonic() < deadline, error
            time.sleep(0.3)
