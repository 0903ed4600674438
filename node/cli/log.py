"""Commands for those who keep old checkpoints: that nothing was rewritten since."""

from __future__ import annotations

from pathlib import Path

import click

from ledger import note
from ledger.consistency import ConsistencyProof, verify_consistency
from ledger.encoding import encode
from node.cli.chain import genesis_option, header_known, known_option, recovery_option
from node.cli.output_files import OutputFile, written_to
from node.cli.target import Target, with_target
from remarque.text_files import text_in
from remarque.trusted_files import load_genesis, read_recoveries


@click.group()
def log() -> None:
    """Prove that the log at one height begins with the log at another."""


@log.command()
@click.argument("first", type=click.IntRange(min=0))
@click.argument("second", type=click.IntRange(min=0))
@genesis_option(required=False)
@recovery_option
@known_option
@written_to("--out", required=False, what="File to keep the proof in.")
@with_target
def consistency(
    target: Target,
    first: int,
    second: int,
    genesis: Path | None,
    recoveries: tuple[Path, ...],
    known: Path | None,
    out: OutputFile | None,
) -> None:
    """Fetch and check the proof between the certified heights FIRST and SECOND."""
    with target.client() as client:
        agreed = client.genesis() if genesis is None else load_genesis(genesis)
        accepted = read_recoveries(recoveries, agreed)
        proof = client.consistency(first, second, genesis=agreed, recoveries=accepted, known=header_known(known))
    if out is not None:
        out.write(encode(proof))
    _show(target, proof)


@log.command()
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@genesis_option(required=True)
@recovery_option
@known_option
@with_target
def verify(target: Target, file: Path, genesis: Path, recoveries: tuple[Path, ...], known: Path | None) -> None:
    """Check the proof in FILE against a genesis: no node, no network."""
    agreed = load_genesis(genesis)
    accepted = read_recoveries(recoveries, agreed)
    _show(target, verify_consistency(text_in(file).strip(), agreed, accepted, header_known(known)))


@log.command()
@genesis_option(required=True)
@with_target
def keys(target: Target, genesis: Path) -> None:
    """Print the nodes' keys as those who verify signed notes are given them: a witness or monitor of the log."""
    agreed = load_genesis(genesis)
    found = [note.verifier_key(note.key_name(agreed.chain, node.name), node.key) for node in agreed.nodes]
    target.show({"origin": agreed.chain, "keys": found}, "\n".join(found))


def _show(target: Target, proof: ConsistencyProof) -> None:
    first, second = proof.first.header, proof.second.header
    target.show(
        proof,
        f"the log of {second.chain} at block {second.height} ({second.log_size} leaves)\n"
        f"begins with that at block {first.height} ({first.log_size} leaves), unchanged; both are certified",
    )
