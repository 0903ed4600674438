"""Commands for auditors: keep a chain as a file, and run it again without trusting who keeps it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click
import msgspec

from ledger.audit_evidence import verified_evidence
from ledger.genesis import Genesis
from node.cli.chain import genesis_option, header_known, known_option, recovery_option
from node.cli.exits import Exit
from node.cli.output_files import FORCE, OutputFile, written_to
from node.cli.printing import in_line
from node.cli.target import Target, with_target
from node.keeping import archive
from node.keeping.audit import Report, audit
from node.keeping.parquet import write_parquet
from remarque.errors import NodeCode, NodeError
from remarque.text_files import text_in
from remarque.trusted_files import load_genesis, read_recoveries

SOURCE = click.argument("source")


@click.command("audit")
@SOURCE
@genesis_option(required=True)
@click.option(
    "--receipt",
    "receipts",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    multiple=True,
    help="A receipt that the chain must contain; several may be given. It denounces a chain that was cut or forked.",
)
@recovery_option
@known_option
@written_to("--report", required=False, what="File to write the report to, as JSON.")
@with_target
def audit_command(
    target: Target,
    source: str,
    genesis: Path,
    receipts: tuple[Path, ...],
    recoveries: tuple[Path, ...],
    known: Path | None,
    report: OutputFile | None,
) -> None:
    """Run the chain in SOURCE again from its genesis and compare everything.

    SOURCE is an archive file, the data directory of a node that does not run, or the address of one that does. Exit
    status: 0 the chain holds, 1 it does not, any other: it could not be audited.
    """
    agreed = load_genesis(genesis)
    accepted = read_recoveries(recoveries, agreed)
    evidence = tuple(verified_evidence(text_in(path).strip(), agreed, accepted) for path in receipts)
    with lines_of(target, source, agreed) as lines:
        found = audit(lines, agreed, evidence, accepted, _show_progress, header_known(known))
    if report is not None:
        report.write(msgspec.json.format(msgspec.json.encode(found), indent=2) + b"\n")
    target.show(msgspec.to_builtins(found), _in_words(found))
    if not found.holds:
        sys.exit(Exit.FOUND_FALSE)


@click.command()
@SOURCE
@genesis_option(required=True)
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--parquet", is_flag=True, help="Write Parquet tables into the directory FILE instead (needs pyarrow).")
@FORCE
@with_target
def export(target: Target, source: str, genesis: Path, file: Path, parquet: bool, force: bool) -> None:
    """Write the chain in SOURCE to FILE as an archive: one JSON object a line, the whole chain.

    SOURCE is the address of a node, or the data directory of one that does not run (then with its state and index).
    """
    if parquet:
        with lines_of(target, source, load_genesis(genesis)) as found:
            rows = write_parquet(found, file)
        target.show(rows, "\n".join(f"{count} {name} written to {file}" for name, count in rows.items()))
        return
    lines, blocks, output = 0, 0, OutputFile(file, force=force)
    with lines_of(target, source, load_genesis(genesis)) as found, output.opened() as out:
        for line in found:
            out.write(line)
            lines += 1
            blocks += line.startswith(b'{"block":')
    target.show({"archive": str(file), "lines": lines, "blocks": blocks}, f"{blocks} blocks written to {file}")


@contextmanager
def lines_of(target: Target, source: str, genesis: Genesis) -> Iterator[Iterator[bytes]]:
    """The archive's lines of a source, whatever it is."""
    path = Path(source)
    if source.startswith(("http://", "https://")):
        with Target((source,), target.account, target.key, target.as_json).client() as client:
            yield archive.from_node(client)
    elif path.is_dir():
        yield archive.from_directory(path, genesis)
    elif path.is_file():
        yield archive.from_file(path)
    else:
        raise NodeError(NodeCode.NOT_FOUND, f"{source} is no file, directory or address; name one")


def _show_progress(height: int, transactions: int) -> None:
    click.echo(f"block {height}, {transactions} transactions", err=True)


def _in_words(report: Report) -> str:
    size = f"{report.height} blocks, {report.transactions} transactions, {report.seconds:.1f} s"
    if report.finding is None:
        return f"{report.chain} holds up to block {report.height} ({report.hash}): {size}"
    finding = report.finding
    return (
        f"{report.chain} does NOT hold: {finding.fault} at block {finding.height}\n"
        f"{finding.meaning}: {in_line(finding.detail)}\n{size}"
    )
