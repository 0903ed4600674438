"""Genesis: what a consortium agrees on before its first block. One file, known to all, never replicated.

The chain's name ends in eight digits of the file's digest, so two consortiums of one name are two chains, and a
transaction signed for one is refused by the other.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Annotated

from msgspec import Meta

import contracts_vm
from ledger import crypto
from ledger.actions import Roles
from ledger.block import HEADER_VERSION, Header, Voter, Voters
from ledger.encoding import Value, encode
from ledger.errors import Code, LedgerError
from ledger.merkle_log import EMPTY_ROOT
from ledger.names import (
    ADMINISTRATOR,
    AccountName,
    ChainName,
    Count,
    CurrencyCode,
    Hex32,
    NodeName,
    OrgName,
    TimeMs,
    org_of,
)
from ledger.node_certificate import is_certificate_of
from ledger.policy_source import check_source, policy_record
from ledger.records import (
    CONSORTIUM_POLICY,
    Account,
    AccountKey,
    Currency,
    NodeRecord,
    Org,
    Parameters,
    account_key,
    balance_key,
    currency_key,
    node_key,
    node_name_key,
    org_key,
    parameters_key,
    policy_key,
)
from ledger.state_tree import EMPTY, apply_changes, root_hash


class GenesisOrg(Value, frozen=True, kw_only=True):
    name: OrgName
    title: Annotated[str, Meta(min_length=1, max_length=128)]


class GenesisNode(Value, frozen=True, kw_only=True):
    name: NodeName
    org: OrgName
    key: Hex32
    certificate: Annotated[str, Meta(pattern=r"^([0-9a-f]{2}){50,2000}\Z")]


class GenesisAccount(Value, frozen=True, kw_only=True):
    name: AccountName
    key: Hex32
    roles: Roles = ()


class GenesisBalance(Value, frozen=True, kw_only=True):
    account: AccountName
    amount: Count


class GenesisCurrency(Value, frozen=True, kw_only=True):
    currency: CurrencyCode
    decimals: Annotated[int, Meta(ge=0, le=8)]
    issuer: AccountName
    balances: tuple[GenesisBalance, ...] = ()


class GenesisPolicy(Value, frozen=True, kw_only=True):
    name: str
    version: int
    source: str


class Genesis(Value, frozen=True, kw_only=True):
    """The agreement. `policy` binds every asset; governance may publish others later."""

    name: Annotated[str, Meta(pattern=r"^[a-z0-9][a-z0-9-]{0,40}\Z")]
    time_ms: TimeMs
    orgs: Annotated[tuple[GenesisOrg, ...], Meta(min_length=1, max_length=256)]
    nodes: Annotated[tuple[GenesisNode, ...], Meta(min_length=1, max_length=7)]
    accounts: tuple[GenesisAccount, ...]
    currencies: tuple[GenesisCurrency, ...]
    policy: GenesisPolicy
    parameters: Parameters

    @property
    def digest(self) -> str:
        return crypto.digest(crypto.GENESIS, encode(self))

    @property
    def chain(self) -> ChainName:
        """Name of the chain: the consortium's, and eight digits of the digest."""
        return f"{self.name}-{self.digest[:8]}"

    @property
    def voters(self) -> Voters:
        """The first voter epoch: every node of the genesis."""
        return Voters(voters=tuple(Voter(node=node.name, key=node.key) for node in sorted(self.nodes, key=_name)))


def _name(node: GenesisNode) -> str:
    return node.name


def check_genesis(genesis: Genesis) -> None:
    """Refuse an agreement that contradicts itself."""
    orgs = {org.name for org in genesis.orgs}
    accounts = {account.name for account in genesis.accounts}
    for what, count, distinct in (
        ("orgs", len(genesis.orgs), len(orgs)),
        ("nodes", len(genesis.nodes), len({node.name for node in genesis.nodes})),
        ("node keys", len(genesis.nodes), len({node.key for node in genesis.nodes})),
        ("accounts", len(genesis.accounts), len(accounts)),
        ("currencies", len(genesis.currencies), len({currency.currency for currency in genesis.currencies})),
    ):
        if count != distinct:
            raise LedgerError(Code.MALFORMED, f"genesis names one of its {what} twice; remove the second")
    for org in [node.org for node in genesis.nodes] + [org_of(account) for account in sorted(accounts)]:
        if org not in orgs:
            raise LedgerError(Code.ORG_UNKNOWN, f"genesis uses org {org} without listing it; add it to orgs")
    _check_keys(genesis)
    policy = _checked(genesis.policy.source)
    if policy.id != f"{genesis.policy.name}@{genesis.policy.version}":
        raise LedgerError(Code.POLICY_INVALID, f"genesis names its policy otherwise than {policy.id}; name it that")
    for currency in genesis.currencies:
        for account in [currency.issuer, *(balance.account for balance in currency.balances)]:
            if account not in accounts:
                raise LedgerError(Code.ACCOUNT_UNKNOWN, f"{currency.currency} names {account}; add it to accounts")


@lru_cache(maxsize=8)
def _checked(source: str) -> contracts_vm.Policy:
    """The policy of a genesis, kept compiled: each receipt that is verified needs the state at height 0 again."""
    return check_source(source)


def _check_keys(genesis: Genesis) -> None:
    for key in [node.key for node in genesis.nodes] + [account.key for account in genesis.accounts]:
        if not crypto.is_strong_key(key):
            raise LedgerError(Code.KEY_WEAK, f"genesis holds the weak key {key}; make a new one")
    for node in genesis.nodes:
        if not is_certificate_of(bytes.fromhex(node.certificate), node.key):
            raise LedgerError(
                Code.NODE_CERTIFICATE_INVALID,
                f"the certificate of {node.name} is not its key's; bring what `remarque keys show` prints",
            )


def genesis_state(genesis: Genesis) -> dict[str, bytes]:
    """The state at height 0."""
    policy = genesis.policy
    records: dict[str, Value] = {parameters_key(): genesis.parameters}
    administered = {org_of(account.name) for account in genesis.accounts if ADMINISTRATOR in account.roles}
    for org in genesis.orgs:
        records[org_key(org.name)] = Org(name=org.name, title=org.title, administered=org.name in administered)
    for node in genesis.nodes:
        records[node_key(node.name)] = NodeRecord(
            name=node.name, org=node.org, key=node.key, certificate=node.certificate
        )
    names = {node_name_key(node.key): encode(node.name) for node in genesis.nodes}
    for account in genesis.accounts:
        records[account_key(account.name)] = Account(
            name=account.name, keys=(AccountKey(public=account.key),), roles=tuple(sorted(account.roles))
        )
    records[policy_key(policy.name, policy.version)] = policy_record(_checked(policy.source), "genesis")
    state = names | {key: encode(record) for key, record in records.items()}
    state[CONSORTIUM_POLICY] = encode(f"{policy.name}@{policy.version}")
    for currency in genesis.currencies:
        state[currency_key(currency.currency)] = encode(
            Currency(
                currency=currency.currency,
                decimals=currency.decimals,
                issuer=currency.issuer,
                supply=sum(balance.amount for balance in currency.balances),
            )
        )
        for balance in currency.balances:
            state[balance_key(balance.account, currency.currency)] = encode(balance.amount)
    return state


def genesis_header(genesis: Genesis) -> Header:
    """Header of height 0: an empty log above the genesis state."""
    tree = apply_changes(EMPTY, genesis_state(genesis).items())
    voters = genesis.voters.digest
    return Header(
        version=HEADER_VERSION,
        chain=genesis.chain,
        height=0,
        term=0,
        previous="0" * 64,
        time_ms=genesis.time_ms,
        proposer=min(node.name for node in genesis.nodes),
        log_size=0,
        log_root=EMPTY_ROOT.hex(),
        state_root=root_hash(tree).hex(),
        voters_digest=voters,
        next_voters_digest=voters,
    )
