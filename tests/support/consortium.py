"""A consortium in memory: accounts with keys, a state, and one line for each thing a test needs."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from itertools import count
from typing import Any, TypeVar

import contracts_vm
import ledger.execution  # noqa: F401, registers the actions
from ledger import actions, records
from ledger.block import Outcome
from ledger.crypto import SigningKey
from ledger.encoding import decode, encode
from ledger.execution.block import BlockResult, execute_block
from ledger.execution.holding import token_id
from ledger.genesis import (
    Genesis,
    GenesisAccount,
    GenesisBalance,
    GenesisCurrency,
    GenesisNode,
    GenesisOrg,
    GenesisPolicy,
    check_genesis,
    genesis_state,
)
from ledger.node_certificate import make_certificate
from ledger.transaction import SignedTransaction, Signer, Transaction, sign
from ledger.version import KNOWN, Versions, version_at

E = TypeVar("E")
CID = "bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku"
START_MS = 1_700_000_000_000
ROLES = {
    "alice@studio": ("model-provider", "rights-manager"),
    "root@studio": ("administrator", "issuer"),
    "gen@studio": ("generator",),
    "notary@studio": ("registrar",),
    "bob@agency": (),
    "carol@club": (),
    "root@club": ("administrator",),
}


def key_of(name: str) -> SigningKey:
    """The key that a name always has in tests."""
    return SigningKey(hashlib.sha256(name.encode()).digest())


def a_digest(name: object) -> str:
    """32 bytes of hex that stand for something."""
    return hashlib.sha256(str(name).encode()).hexdigest()


def a_node(name: str, org: str = "studio") -> GenesisNode:
    key = key_of(name)
    return GenesisNode(name=name, org=org, key=key.public, certificate=make_certificate(key).hex())


def a_genesis(**changes: Any) -> Genesis:
    source = contracts_vm.default_policy_source()
    parts: dict[str, Any] = {
        "name": "test",
        "time_ms": START_MS,
        "orgs": tuple(GenesisOrg(name=name, title=name) for name in ("agency", "club", "studio")),
        "nodes": tuple(
            a_node(name, org) for name, org in [("node1", "studio"), ("node2", "agency"), ("node3", "club")]
        ),
        "accounts": tuple(
            GenesisAccount(name=name, key=key_of(name).public, roles=roles) for name, roles in sorted(ROLES.items())
        ),
        "currencies": (
            GenesisCurrency(
                currency="EUR",
                decimals=2,
                issuer="root@studio",
                balances=(
                    GenesisBalance(account="bob@agency", amount=10_000),
                    GenesisBalance(account="carol@club", amount=20_000),
                ),
            ),
        ),
        "policy": GenesisPolicy(name="asset_default", version=1, source=source),
        "parameters": records.Parameters(),
    }
    genesis = Genesis(**(parts | changes))
    check_genesis(genesis)
    return genesis


class State:
    """A state in memory that blocks are executed on, one transaction a block unless told otherwise."""

    def __init__(self, genesis: Genesis, versions: Versions = KNOWN) -> None:
        self.genesis = genesis
        self.versions = versions
        self.values = genesis_state(genesis)
        self.height = 0
        self.time_ms = genesis.time_ms
        self._nonces = count()

    def get(self, key: str) -> bytes | None:
        return self.values.get(key)

    def keys(self, prefix: str) -> Iterator[str]:
        return iter(sorted(key for key in self.values if key.startswith(prefix)))

    def transaction(self, signer: str, *asks: Any, **changes: Any) -> SignedTransaction:
        key = changes.pop("key", None) or key_of(signer)
        parts: dict[str, Any] = {
            "chain": self.genesis.chain,
            "signers": (Signer(account=signer, key=key.public),),
            "valid_until_ms": self.time_ms + 300_000,
            "nonce": self.nonce(),
            "actions": asks,
        }
        return sign(Transaction(**(parts | changes)), [key])

    def nonce(self) -> str:
        """One that no other transaction has."""
        return f"{next(self._nonces):032x}"

    def run(self, *transactions: SignedTransaction, advance_ms: int = 1_000) -> BlockResult:
        self.height += 1
        self.time_ms += advance_ms
        version = version_at(self.get, self.height, self.versions)
        result = execute_block(self, self.genesis.chain, self.height, self.time_ms, transactions, version)
        for key, value in result.writes:
            if value is None:
                self.values.pop(key, None)
            else:
                self.values[key] = value
        return result

    def do(self, signer: str, *asks: Any, **changes: Any) -> Outcome:
        """Outcome of one transaction in a block of its own."""
        return self.run(self.transaction(signer, *asks, **changes)).outcomes[0]

    def detail(self, signer: str, *asks: Any) -> str:
        return self.run(self.transaction(signer, *asks)).details[0]


def registering(name: object, *, confidential: bool = False, **changes: Any) -> actions.RegisterAsset:
    """An asset to declare."""
    sealed = (actions.SealedKey(node="node1", sealed="00" * 80),) if confidential else None
    content = {"cid": CID, "size": 10, "media_type": "image/png"} | ({"sealed_keys": sealed} if sealed else {})
    parts: dict[str, Any] = {
        "pixel_digest": a_digest(name),
        "file_digest": a_digest(f"file of {name}"),
        "width": 64,
        "height": 64,
        "content": actions.Content(**content),
        "confidential": confidential,
    }
    return actions.RegisterAsset(**(parts | changes))


def minted(state: State, name: object, owner: str = "alice@studio", **mint: Any) -> str:
    """Id of a token that is minted in the state."""
    outcome = state.do(owner, registering(name), actions.MintToken(asset=a_digest(name), **mint))
    assert outcome.code == "OK"
    return token_id(a_digest(name))


def for_sale(state: State, name: object, price: int = 1_000, owner: str = "alice@studio", **mint: Any) -> str:
    token = minted(state, name, owner, **mint)
    outcome = state.do(owner, listing(state, token, price))
    assert outcome.code == "OK"
    return token


def listing(state: State, token: str, price: int, currency: str = "EUR", until_ms: int | None = None) -> Any:
    until = state.time_ms + 3_600_000 if until_ms is None else until_ms
    return actions.ListToken(token=token, price=price, currency=currency, until_ms=until)


def royalty(rate_ppm: int, **weights: int) -> actions.Royalty:
    names = {"alice": "alice@studio", "root": "root@studio", "bob": "bob@agency"}
    return actions.Royalty(
        rate_ppm=rate_ppm,
        payees=tuple(actions.Share(account=names[name], weight_ppm=weight) for name, weight in weights.items()),
    )


def trading_terms(name: str, *clauses: str, version: int = 1, rules: str = "") -> actions.PublishPolicy:
    """A policy to publish: royalties as `resale on secondary_sale { … }`, with base and payees filled in by `PAID`."""
    royalties = " ".join(f"royalty {clause}" for clause in clauses)
    return actions.PublishPolicy(source=f"policy {name} version {version} schema remarque@1 {{ {rules} {royalties} }}")


def open_consortium(state: State) -> None:
    """Put the consortium under a policy that permits everything and asks for nothing, so that narrower ones say all."""
    permissive = trading_terms("asset_default", version=2, rules="permit * as all_may when true;")
    assert state.do("alice@studio", permissive).code == "OK"
    state.values[records.CONSORTIUM_POLICY] = encode("asset_default@2")


PAID = "base tx.price; pay {rate} to asset.creators by weight;"


def together(state: State, signers: list[str], *asks: Any) -> SignedTransaction:
    """One transaction that several accounts sign; the first acts."""
    transaction = Transaction(
        chain=state.genesis.chain,
        signers=tuple(Signer(account=name, key=key_of(name).public) for name in signers),
        valid_until_ms=state.time_ms + 300_000,
        nonce=state.nonce(),
        actions=asks,
    )
    return sign(transaction, [key_of(name) for name in signers])


def done(state: State, signers: list[str], *asks: Any) -> Outcome:
    """Outcome of a transaction that several accounts sign, in a block of its own."""
    return state.run(together(state, signers, *asks)).outcomes[0]


def balance(state: State, account: str, currency: str = "EUR") -> int:
    """Units that an account, or an escrow, holds."""
    data = state.get(records.balance_key(account, currency))
    return 0 if data is None else decode(data, int)


def escrowed(state: State) -> dict[str, int]:
    """All escrows that hold money."""
    prefix = records.balance_key(records.escrow_of(""), "")[:-1]
    return {key: decode(state.get(key) or b"0", int) for key in state.keys(prefix)}


def owner(state: State, token: str) -> str:
    return decode(state.get(records.token_key(token)) or b"", records.Token).owner


def happened(outcome: Outcome, kind: type[E]) -> E:
    """The one event of a kind."""
    (found,) = (event for event in outcome.events if isinstance(event, kind))
    return found
