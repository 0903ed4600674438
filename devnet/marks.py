"""What the nodes of a devnet mark pictures with: one root, an authority for each org, and a watermark key for all."""

from __future__ import annotations

import shutil
from pathlib import Path

from node.keeping.authorities import found_authority, issue_credentials
from node.keeping.founding import Plan
from remarque.keys.files import copy_key, new_key, save_key

WATERMARK_KEY, ANCHORS, CREDENTIALS = "watermark.key", "anchors", "credentials"
"""Where a node looks for them, unless its settings say otherwise."""


def equip(root: Path, plan: Plan) -> None:
    """Make keys and certificates for all nodes of a devnet. The orgs' authorities stay beside the root's."""
    save_key(root / WATERMARK_KEY, new_key())
    found_authority(root / CREDENTIALS, plan.name, "XX")
    for org in sorted({node.org for node in plan.nodes.values()}):
        issue_credentials(root / CREDENTIALS, org, root / CREDENTIALS / org)
    for name, node in plan.nodes.items():
        home = root / "nodes" / name
        if home.exists():  # a member that brings its own key makes its own directory
            share_marks(root, home)
            shutil.copytree(
                root / CREDENTIALS / node.org, home / CREDENTIALS, ignore=shutil.ignore_patterns("authority")
            )


def share_marks(root: Path, home: Path) -> None:
    """Give a node what all members have: the watermark's key, and the root's certificate."""
    copy_key(root / WATERMARK_KEY, home / WATERMARK_KEY)
    (home / ANCHORS).mkdir()
    shutil.copy(root / CREDENTIALS / "root.pem", home / ANCHORS / "consortium.pem")
