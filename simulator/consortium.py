"""The consortium of a simulation: voters, accounts that pay each other, and a policy without rules of its own."""

from __future__ import annotations

import hashlib
from functools import cache

import contracts_vm
import ledger.execution  # noqa: F401, registers the actions
from ledger.actions import AnyAction, Pay
from ledger.crypto import SigningKey
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
from ledger.node_certificate import make_certificate
from ledger.records import Parameters
from ledger.transaction import SignedTransaction, Signer, Transaction, sign

START_MS = 1_800_000_000_000
ORG = "studio"
ISSUER = f"issuer@{ORG}"
"""It administers the only org, so that its proposals pass at once."""
ACCOUNTS = tuple(f"payer{number}@{ORG}" for number in range(4))
OPENING_BALANCE = 1_000_000


@cache
def key_of(name: str) -> SigningKey:
    """The key that a name has in every simulation."""
    return SigningKey(hashlib.sha256(f"simulated {name}".encode()).digest())


@cache
def genesis_of(voters: int) -> Genesis:
    """What a consortium of so many voters begins with: `node1` and so on."""
    accounts = [GenesisAccount(name=ISSUER, key=key_of(ISSUER).public, roles=("administrator", "issuer"))]
    accounts += [GenesisAccount(name=name, key=key_of(name).public, roles=()) for name in ACCOUNTS]
    genesis = Genesis(
        name="simulated",
        time_ms=START_MS,
        orgs=(GenesisOrg(name=ORG, title="Studio"),),
        nodes=tuple(_node(f"node{number}") for number in range(1, voters + 1)),
        accounts=tuple(sorted(accounts, key=lambda account: account.name)),
        currencies=(
            GenesisCurrency(
                currency="EUR",
                decimals=2,
                issuer=ISSUER,
                balances=tuple(GenesisBalance(account=name, amount=OPENING_BALANCE) for name in ACCOUNTS),
            ),
        ),
        policy=GenesisPolicy(name="asset_default", version=1, source=contracts_vm.default_policy_source()),
        parameters=Parameters(),
    )
    check_genesis(genesis)
    return genesis


def _node(name: str) -> GenesisNode:
    key = key_of(name)
    return GenesisNode(name=name, org=ORG, key=key.public, certificate=make_certificate(key).hex())


def payment(genesis: Genesis, number: int, payer: str, payee: str, amount: int, until_ms: int) -> SignedTransaction:
    """A payment, told from every other by its number."""
    return _signed(genesis, f"{number:032x}", payer, Pay(to=payee, currency="EUR", amount=amount), until_ms)


def administered(genesis: Genesis, number: int, ask: AnyAction, until_ms: int) -> SignedTransaction:
    """What the administrator asks for, told from every other by its number."""
    return _signed(genesis, f"a{number:031x}", ISSUER, ask, until_ms)


def _signed(genesis: Genesis, nonce: str, account: str, ask: AnyAction, until_ms: int) -> SignedTransaction:
    return sign(
        Transaction(
            chain=genesis.chain,
            signers=(Signer(account=account, key=key_of(account).public),),
            valid_until_ms=until_ms,
            nonce=nonce,
            actions=(ask,),
        ),
        [key_of(account)],
    )
