"""What the ledger costs without network, consensus or HTTP: executing, proving, verifying, auditing.

    python -m bench.ledger [--transactions 20000]

One node's own chain on a real disk: blocks of 200 register+mint transactions are executed, added to log and state tree,
and committed to the stores, without the synced write of the log and without checking signatures. The reference in every
ratio is one Ed25519 verification by PyNaCl on this machine in this run: what no ledger with signatures can go below.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import cast

from bench.throughput import make_transactions
from consensus.raft_log import RaftEntry
from devnet.cluster import Cluster
from ledger.block import Certificate, Endorsement, endorse
from ledger.consistency import CertifiedHeader, build_consistency, verify_consistency
from ledger.cose import Claims
from ledger.cose_receipt import issuer_of, member_keys, sign_inclusion, verify_member_inclusion
from ledger.crypto import SigningKey
from ledger.encoding import encode
from ledger.errors import ensure
from ledger.merkle_log import transaction_entry
from ledger.receipt import encode_receipt, verify_receipt
from ledger.state_answer import verify_state_answer
from ledger.transaction import SignedTransaction, check_signatures
from node.chain.chain import Chain
from node.keeping import archive
from node.keeping.audit import audit
from node.storage.raft_log_store import RaftLogStore
from node.storage.state_store import StateStore
from remarque.keys.files import load_key
from remarque.requesting import now_ms

BLOCK = 200
TRIES = 200


def microseconds(work: Callable[[], object], tries: int = TRIES) -> float:
    """Median time of a call."""
    times = []
    for _ in range(tries):
        started = time.perf_counter()
        work()
        times.append(time.perf_counter() - started)
    return 1e6 * statistics.median(times)


def commit(chain: Chain, raft_log: RaftLogStore, transactions: tuple[SignedTransaction, ...]) -> float:
    """Build, certify and commit a block; seconds, without the write of the log."""
    started = time.perf_counter()
    data = chain.build(transactions, 1, now_ms())
    height = chain.tip.height
    spent = time.perf_counter() - started
    raft_log.persist(1, "", None, (RaftEntry(height, 1, data),))
    header = chain.hash_at(height)
    endorsements = (Endorsement(node=chain.node, signature=endorse(chain.key, header)),)
    certificate = Certificate(height=height, header=header, endorsements=endorsements)
    started = time.perf_counter()
    chain.commit(height, certificate)
    return spent + time.perf_counter() - started


def certified(chain: Chain, height: int) -> CertifiedHeader:
    """A header of the chain with its certificate."""
    certificate = chain.state.certificate(height)
    ensure(certificate is not None, "every block of this chain is certified")
    return CertifiedHeader(header=chain.header(height), certificate=cast("Certificate", certificate))


def tell_open_proofs(chain: Chain, key: SigningKey, tell: Callable[[str, float], None]) -> None:
    """The same log as COSE, and between its first and its newest header."""
    final, header = chain.finals.at(chain.committed.height), chain.committed
    signed, outcome, index = final.block.transactions[0], final.results.outcomes[0], header.log_size - BLOCK
    entry = transaction_entry(header.height, signed.id, signed.signatures_digest, outcome.digest)
    claims = Claims(issuer=issuer_of(chain.name, chain.node), subject=signed.id, issued_at=0)
    root, members = bytes.fromhex(header.log_root), member_keys(chain.name, {chain.node: key.public})

    def issue() -> bytes:
        path = chain.log.inclusion_path(index, header.log_size)
        return sign_inclusion(key, claims, entry, (header.log_size, index, path), root)

    def consistency() -> bytes:
        first, second = certified(chain, 1), certified(chain, header.height)
        return encode(build_consistency(first, second, chain.log))

    receipt, proof = issue(), consistency()
    tell("issue a COSE receipt, us", microseconds(issue))
    tell("verify a COSE receipt offline, us", microseconds(lambda: verify_member_inclusion(receipt, entry, members)))
    tell("prove consistency with the first block, us", microseconds(consistency))
    tell("verify consistency offline, us", microseconds(lambda: verify_consistency(proof, chain.genesis)))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--transactions", type=int, default=20_000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        cluster = Cluster.create(Path(directory) / "devnet", 1)
        made = make_transactions(cluster, options.transactions)
        verification = microseconds(lambda: check_signatures(made[0]))
        conditions = {"cpus": os.cpu_count(), "python": platform.python_version(), "transactions": len(made)}
        print(json.dumps({"conditions": conditions, "ed25519_verification_us": round(verification, 1)}), flush=True)

        def tell(what: str, spent_us: float) -> None:
            print(
                json.dumps({what: round(spent_us, 1), "verifications": round(spent_us / verification, 2)}), flush=True
            )

        data = cluster.home("node1") / "data"
        key = load_key(cluster.home("node1") / "node.key")
        with closing(RaftLogStore(data / "log")) as raft_log, closing(StateStore(data / "state")) as state:
            chain = Chain(cluster.genesis, key, "node1", raft_log, state)
            blocks = [tuple(made[start : start + BLOCK]) for start in range(0, len(made), BLOCK)]
            spent = sum(commit(chain, raft_log, block) for block in blocks)
            started = time.perf_counter()
            chain.write_pages(state.pages.changed)
            spent += time.perf_counter() - started
            tell("execute, prove and commit a transaction, us", 1e6 * spent / len(made))
            newest = chain.committed.height
            finals = chain.finals
            tell("issue a receipt, us", microseconds(lambda: encode_receipt(finals.receipt(finals.at(newest), 7))))
            receipt = encode_receipt(finals.receipt(finals.at(newest), 7))
            tell("verify a receipt offline, us", microseconds(lambda: verify_receipt(receipt, cluster.genesis)))
            answer = encode(chain.state_answer(["balance/carla@club/EUR"]))
            tell(
                "verify a state answer offline, us", microseconds(lambda: verify_state_answer(answer, cluster.genesis))
            )
            tell_open_proofs(chain, key, tell)
        size = sum(file.stat().st_size for file in data.rglob("*") if file.is_file())
        print(json.dumps({"disk_bytes_per_transaction": round(size / len(made))}), flush=True)
        report = audit(archive.from_directory(data, cluster.genesis), cluster.genesis)
        rate = report.transactions / report.seconds
        print(json.dumps({"audit_holds": report.holds, "audit_transactions_per_s": round(rate)}), flush=True)
        tell("audit a transaction, signatures included, us", 1e6 / rate)


if __name__ == "__main__":
    main()
