"""Founding a consortium: from a plan that people write to a genesis, keys and one directory per node.

The plan may hold public keys that members made themselves. Whatever keys it leaves out are made here and written beside
the genesis, each to be handed to its owner. `remarque init` runs this.
"""

from __future__ import annotations

import time
import tomllib
from pathlib import Path

import msgspec

from contracts_vm import PolicyError, default_policy_source
from ledger.crypto import SigningKey
from ledger.encoding import encode
from ledger.errors import LedgerError
from ledger.genesis import (
    Genesis,
    GenesisAccount,
    GenesisBalance,
    GenesisCurrency,
    GenesisNode,
    GenesisOrg,
    GenesisPolicy,
    check_genesis,
)
from ledger.governance import quorum
from ledger.names import ADMINISTRATOR, org_of
from ledger.node_certificate import make_certificate
from ledger.policy_source import check_source
from ledger.records import NodeRecord, Parameters
from node.storage import directory
from remarque.errors import NodeCode, NodeError
from remarque.keys.files import copy_key, new_key, public_key, save_key
from remarque.text_files import text_in
from remarque.trusted_files import load_genesis

MEMBERS = "members.json"
"""File beside a node's settings with the nodes that are introduced to it."""


class PlanNode(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One node of the plan."""

    org: str
    peer: str
    """host:port where other nodes reach it."""
    api: str = "127.0.0.1:8100"
    """host:port of its REST port."""
    key: str = ""
    """Public key, if the member made it; then `certificate` too."""
    certificate: str = ""
    generator: str = ""
    """Account that attests what this node generates; empty: the node has no generator."""
    scitt: str = ""
    """Account that registers statements at this node; empty: the node registers none."""
    keeper: str = ""
    """Account that keeps a share of the consortium's key at this node; empty: the node keeps none."""


class PlanAccount(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One first account."""

    roles: tuple[str, ...] = ()
    key: str = ""
    """Public key, if the holder made it."""


class PlanCurrency(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One first currency; balances in minor units."""

    issuer: str
    decimals: int = 2
    balances: dict[str, int] = {}


class Plan(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What `remarque init` reads (TOML)."""

    name: str
    """Name of the consortium: lower-case letters, digits and dashes."""
    orgs: dict[str, str]
    """Title of each org, by name."""
    nodes: dict[str, PlanNode]
    accounts: dict[str, PlanAccount] = {}
    currencies: dict[str, PlanCurrency] = {}
    policy: str = ""
    """File with the consortium's policy; empty: the default policy."""
    parameters: Parameters = Parameters()


def load_plan(path: Path) -> Plan:
    """Plan from its file."""
    try:
        return msgspec.convert(tomllib.loads(text_in(path).decode()), Plan)
    except FileNotFoundError:
        raise NodeError(NodeCode.CONFIG_INVALID, f"{path} does not exist; see docs/operate.md for a plan") from None
    except (tomllib.TOMLDecodeError, msgspec.ValidationError, UnicodeDecodeError) as error:
        raise NodeError(NodeCode.CONFIG_INVALID, f"{path}: {error}; see docs/operate.md") from None


def found(plan: Plan, target: Path, base: Path) -> Genesis:
    """Make the consortium in an empty directory: genesis.json, nodes/NAME/, accounts/NAME.key."""
    if target.exists() and any(target.iterdir()):
        raise NodeError(NodeCode.DATA_DIRECTORY_EXISTS, f"{target} is not empty; choose another directory")
    node_keys = {name: new_key() for name, node in plan.nodes.items() if not node.key}
    account_keys = {name: new_key() for name, account in plan.accounts.items() if not account.key}
    genesis = _genesis(plan, base, node_keys, account_keys)
    directory_of = target / "nodes"
    directory_of.mkdir(parents=True, exist_ok=True)
    directory.write_durably(target / "genesis.json", encode(genesis), directory.PUBLIC)
    for name, key in account_keys.items():
        save_key(target / "accounts" / f"{name}.key", key)
    for name, key in node_keys.items():
        home = directory_of / name
        save_key(home / "node.key", key)
        (home / "node.toml").write_text(_node_toml(name, "../../genesis.json", _settings(plan, name)), encoding="utf-8")
        directory.make(home / "data", genesis.chain, genesis.digest, name)
    return genesis


def _genesis(plan: Plan, base: Path, node_keys: dict[str, SigningKey], account_keys: dict[str, SigningKey]) -> Genesis:
    try:
        currency = next(iter(plan.currencies), "")
        source = text_in(base / plan.policy).decode() if plan.policy else default_policy_source(currency)
        policy = check_source(source)
        genesis = Genesis(
            name=plan.name,
            time_ms=time.time_ns() // 1_000_000,
            orgs=tuple(GenesisOrg(name=name, title=title) for name, title in sorted(plan.orgs.items())),
            nodes=tuple(_genesis_node(name, node, node_keys.get(name)) for name, node in sorted(plan.nodes.items())),
            accounts=tuple(
                GenesisAccount(
                    name=name,
                    key=account_keys[name].public if name in account_keys else account.key,
                    roles=tuple(sorted(account.roles)),
                )
                for name, account in sorted(plan.accounts.items())
            ),
            currencies=tuple(_genesis_currency(code, one) for code, one in sorted(plan.currencies.items())),
            policy=GenesisPolicy(name=policy.name, version=policy.version, source=source),
            parameters=plan.parameters,
        )
        # Structs check types when decoded, not when made: read it back as every node will.
        genesis = msgspec.json.decode(encode(genesis), type=Genesis)
        check_genesis(genesis)
        check_governable(genesis)
    except (LedgerError, PolicyError, msgspec.ValidationError, OSError) as error:
        raise NodeError(NodeCode.CONFIG_INVALID, f"the plan makes no genesis: {error}") from None
    return genesis


def check_governable(genesis: Genesis) -> None:
    """Refuse a consortium in which no proposal could ever pass, because too few orgs have an administrator to vote."""
    silent, needed = without_administrator(genesis), quorum(len(genesis.orgs))
    if len(genesis.orgs) - len(silent) < needed:
        detail = (
            f"proposals pass by the votes of {needed} of {len(genesis.orgs)} orgs, and {', '.join(silent)} would have "
            'no administrator to vote, so nothing could ever pass; give an account of each the role "administrator"'
        )
        raise NodeError(NodeCode.CONFIG_INVALID, detail)


def without_administrator(genesis: Genesis) -> list[str]:
    """Orgs that have no administrator, so that they neither vote nor enrol accounts."""
    have = {org_of(account.name) for account in genesis.accounts if ADMINISTRATOR in account.roles}
    return [org.name for org in genesis.orgs if org.name not in have]


def _genesis_node(name: str, node: PlanNode, key: SigningKey | None) -> GenesisNode:
    if key is None:
        return GenesisNode(name=name, org=node.org, key=node.key, certificate=node.certificate)
    return GenesisNode(name=name, org=node.org, key=key.public, certificate=make_certificate(key).hex())


def _genesis_currency(code: str, currency: PlanCurrency) -> GenesisCurrency:
    balances = tuple(
        GenesisBalance(account=account, amount=amount) for account, amount in sorted(currency.balances.items())
    )
    return GenesisCurrency(currency=code, decimals=currency.decimals, issuer=currency.issuer, balances=balances)


def prepare(home: Path, genesis_path: Path, name: str, key_path: Path, settings: NodeSettings) -> None:
    """Make the directory of a node whose key its member made: settings, genesis, key and an empty data directory.

    A node that the genesis does not name does not vote; an administrator of its org lets it in by `remarque node add`.
    Where the settings introduce nodes, their records go beside them. CONFIG_INVALID if one of them has this one's name.
    """
    genesis, key = load_genesis(genesis_path), public_key(key_path)
    record = next((node for node in genesis.nodes if node.name == name), None)
    if record is not None and record.key != key:
        raise NodeError(NodeCode.GENESIS_MISMATCH, f"the genesis names a node {name} with another key than {key_path}")
    if home.exists() and any(home.iterdir()):
        raise NodeError(NodeCode.DATA_DIRECTORY_EXISTS, f"{home} is not empty; choose another directory")
    if any(one.name == name and one.key != key for one in settings.members):
        detail = f"the members know a node {name} with another key than {key_path}; choose another name"
        raise NodeError(NodeCode.CONFIG_INVALID, detail)
    home.mkdir(parents=True, exist_ok=True)
    directory.write_durably(home / "genesis.json", encode(genesis), directory.PUBLIC)
    if settings.members:
        directory.write_durably(home / MEMBERS, encode(settings.members), directory.PUBLIC)
    copy_key(key_path, home / "node.key")
    (home / "node.toml").write_text(_node_toml(name, "genesis.json", settings), encoding="utf-8")
    directory.make(home / "data", genesis.chain, genesis.digest, name)


class NodeSettings(msgspec.Struct, frozen=True, kw_only=True):
    """What differs between the settings of nodes."""

    api: str
    peer: str
    addresses: dict[str, str]
    members: tuple[NodeRecord, ...] = ()
    """Nodes that are introduced to one that has no chain."""
    generator: str = ""
    scitt: str = ""
    keeper: str = ""


def _settings(plan: Plan, name: str) -> NodeSettings:
    node = plan.nodes[name]
    others = {other: one.peer for other, one in sorted(plan.nodes.items()) if other != name}
    return NodeSettings(
        api=node.api,
        peer=node.peer,
        addresses=others,
        generator=node.generator,
        scitt=node.scitt,
        keeper=node.keeper,
    )


def _node_toml(name: str, genesis: str, settings: NodeSettings) -> str:
    lines = [
        "# Settings of this node; docs/settings.md explains each. Paths are relative to this file.",
        "[node]",
        f'name = "{name}"',
        f'genesis = "{genesis}"',
        "",
        "[api]",
        f'listen = "{settings.api}"',
        "",
        "[peers]",
        f'listen = "{settings.peer}"',
        *([f'members = "{MEMBERS}"'] if settings.members else []),
        "",
        "[peers.addresses]",
        *(f'{other} = "{address}"' for other, address in settings.addresses.items()),
    ]
    accounts = {"generator": settings.generator, "scitt": settings.scitt, "keeper": settings.keeper}
    for section, account in accounts.items():
        if account:
            lines += ["", f"[{section}]", f'account = "{account}"', f'key = "../../accounts/{account}.key"']
    return "\n".join(lines) + "\n"
