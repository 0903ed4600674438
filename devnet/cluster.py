"""A cluster of node processes on this machine: make, start, stop, kill, restart, ask.

Everything about it is in one directory: the genesis, the accounts' keys, a directory per node with its settings, data,
log and pid. Processes are ended by the pid that was noted when they were started, never by name.
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from devnet.marks import equip, share_marks
from devnet.story import plan_of
from ledger.crypto import SigningKey
from ledger.genesis import Genesis
from ledger.records import NodeRecord
from node.ground.config import load_config
from node.keeping.founding import NodeSettings, Plan, found, prepare
from remarque.errors import NodeCode, NodeError
from remarque.keys.files import load_key, new_key, save_key
from remarque.trusted_files import load_genesis

READY_SECONDS_MAX = 30.0


class Cluster:
    """A devnet in a directory."""

    def __init__(self, root: Path) -> None:
        self.root = root
        if not (root / "genesis.json").exists():
            raise NodeError(NodeCode.CONFIG_INVALID, f"{root} holds no devnet; make one with `remarque devnet up`")
        self.names = sorted(path.name for path in (root / "nodes").iterdir() if (path / "node.toml").exists())

    @classmethod
    def create(cls, root: Path, nodes: int = 3, *, generator: bool = False, plan: Plan | None = None) -> Cluster:
        """Found the story's consortium in an empty directory, on free ports."""
        plan = plan or plan_of(nodes, free_ports(2 * nodes), generator=generator)
        found(plan, root, root)
        equip(root, plan)
        return cls(root)

    def prepare_observer(self, name: str, members: Iterable[NodeRecord] = ()) -> SigningKey:
        """Make the directory of a further node, which does not vote; its key, for an administrator to let it in.

        `members`: the nodes of now, where those of the genesis are gone.
        """
        key = new_key()
        peer, api = free_ports(2)
        save_key(self.root / f"{name}.key", key)
        others = {one: load_config(self.home(one) / "node.toml").peers.listen for one in self.names}
        settings = NodeSettings(
            api=f"127.0.0.1:{api}", peer=f"127.0.0.1:{peer}", addresses=others, members=tuple(members)
        )
        prepare(self.root / "nodes" / name, self.root / "genesis.json", name, self.root / f"{name}.key", settings)
        share_marks(self.root, self.root / "nodes" / name)
        self.names = sorted([*self.names, name])
        return key

    def set(self, name: str, section: str, **settings: int | str | list[str]) -> None:
        """Add settings to a section of a node's file; in force once it starts again."""
        file, head = self.home(name) / "node.toml", f"[{section}]\n"
        text = file.read_text(encoding="utf-8")
        if head not in text:
            text += "\n" + head
        lines = "".join(f"{setting} = {json.dumps(value)}\n" for setting, value in settings.items())
        file.write_text(text.replace(head, head + lines), encoding="utf-8")

    # Facts

    @property
    def genesis(self) -> Genesis:
        return load_genesis(self.root / "genesis.json")

    def home(self, name: str) -> Path:
        """Directory of a node."""
        if name not in self.names:
            raise NodeError(NodeCode.CONFIG_INVALID, f"there is no node {name}; there are {', '.join(self.names)}")
        return self.root / "nodes" / name

    def url(self, name: str) -> str:
        """REST address of a node."""
        return "http://" + load_config(self.home(name) / "node.toml").api.listen

    @property
    def urls(self) -> list[str]:
        return [self.url(name) for name in self.names]

    def key(self, account: str) -> SigningKey:
        """Key of one of the founding accounts."""
        return load_key(self.root / "accounts" / f"{account}.key")

    def pid(self, name: str) -> int | None:
        """Pid of a node's process, if it runs. A child runs until it has let go of all it held.

        Of another process the command line tells whether it is the node's; it is empty while one begins or ends.
        """
        try:
            pid = int((self.home(name) / "pid").read_text())
            if (child := _processes.get(self.home(name))) is not None and child.pid == pid:
                return pid if child.poll() is None else None
            os.kill(pid, 0)
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
            command = Path(f"/proc/{pid}/cmdline").read_bytes()
        except (OSError, ValueError):
            return None
        return pid if state != "Z" and bytes(self.home(name)) in command else None

    def status(self, name: str) -> dict[str, Any]:
        """What a node says of itself, with its pid."""
        pid = self.pid(name)
        if pid is None:
            return {"node": name, "state": "down"}
        try:
            with urllib.request.urlopen(self.url(name) + "/v1/status", timeout=2) as answer:
                return {"state": "up", "pid": pid, "url": self.url(name), **json.load(answer)}
        except (OSError, ValueError):
            return {"node": name, "state": "starting", "pid": pid, "url": self.url(name)}

    def leader(self) -> str | None:
        """Name of the node that leads, as the nodes say."""
        for name in self.names:
            status = self.status(name)
            if status.get("role") == "leader":
                return name
        return None

    def wait_leader(self) -> str:
        """Name of the node that leads, once one does. An election may be going on at any moment."""
        deadline = time.monotonic() + READY_SECONDS_MAX
        while (found := self.leader()) is None:
            if time.monotonic() > deadline:
                raise TimeoutError(f"no node leads after {READY_SECONDS_MAX:.0f} s")
            time.sleep(0.05)
        return found

    # Processes

    def start(self, name: str) -> None:
        """Start a node's process."""
        if self.pid(name) is not None:
            return
        home = self.home(name)
        with (home / "node.log").open("ab") as output:
            process = subprocess.Popen(
                [sys.executable, "-m", "node", "node", "run", "--config", str(home / "node.toml")],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        _processes[home] = process
        (home / "pid").write_text(str(process.pid))

    def up(self) -> None:
        """Start all nodes and wait until they serve."""
        for name in self.names:
            self.start(name)
        self.wait_ready()

    def stop(self, name: str) -> None:
        """Ask a node to stop, and wait until it has."""
        self._signal(name, signal.SIGTERM)

    def kill(self, name: str) -> None:
        """End a node as a power failure of its process would: SIGKILL."""
        self._signal(name, signal.SIGKILL)

    def down(self) -> None:
        """Stop all nodes."""
        pids = {name: self.pid(name) for name in self.names}
        for pid in pids.values():
            if pid is not None:
                os.kill(pid, signal.SIGTERM)
        for name in self.names:
            self._signal(name, None)

    def wait_ready(self, names: list[str] | None = None) -> None:
        """Wait until nodes know a leader; say what a node that ended left in its log."""
        deadline = time.monotonic() + READY_SECONDS_MAX
        for name in names or self.names:
            while not self._is_ready(name):
                if self.pid(name) is None:
                    tail = (self.home(name) / "node.log").read_text(errors="replace")[-1_500:]
                    raise NodeError(NodeCode.INTERNAL, f"{name} ended: {tail}")
                if time.monotonic() > deadline:
                    raise NodeError(NodeCode.NO_LEADER, f"{name} is not ready after {READY_SECONDS_MAX:.0f} s")
                time.sleep(0.05)

    def _is_ready(self, name: str) -> bool:
        try:
            with urllib.request.urlopen(self.url(name) + "/readyz", timeout=2) as answer:
                return bool(answer.status == 200)
        except (urllib.error.URLError, OSError):
            return False

    def _signal(self, name: str, number: signal.Signals | None) -> None:
        pid = self.pid(name)
        if pid is None:
            return
        if number is not None:
            os.kill(pid, number)
        deadline = time.monotonic() + 10.0
        while self.pid(name) is not None:
            if time.monotonic() > deadline:
                os.kill(pid, signal.SIGKILL)
            time.sleep(0.02)


_processes: dict[Path, subprocess.Popen[bytes]] = {}
"""Children of this process, by the directories of their nodes; to be reaped."""


PORTS = range(20_000, 32_768)
"""Ports for devnets: below those that systems give to outgoing connections, which could take the port of a node that
is down for a moment."""


def free_ports(count: int) -> list[int]:
    """Loopback ports that are free now, chosen at random so that two devnets seldom choose the same."""
    free: list[int] = []
    for port in random.sample(PORTS, len(PORTS)):
        if len(free) == count:
            break
        with socket.socket() as one, contextlib.suppress(OSError):
            one.bind(("127.0.0.1", port))
            free.append(port)
    return free
