"""Commands of a rights manager: check, test and lay out a policy, see what it changes, publish it, and ask why."""

from __future__ import annotations

import sys
from pathlib import Path

import click
import msgspec

import contracts_vm
from ledger import actions
from ledger.policy_source import SCHEMA
from node.cli.amounts import AMOUNT, units_if_given
from node.cli.exits import Exit
from node.cli.printing import in_line
from node.cli.target import Target, with_target
from node.policies.asking import faults_of
from node.policies.comparing import compare
from node.policies.files import PolicyFile, read_policy, run_cases, write_source
from node.policies.formatting import formatted
from remarque.api.explanations import Explanation, Shown
from remarque.api.policies import Difference, Replay, Said
from remarque.errors import RemarqueError

POLICY_FILE = click.Path(path_type=Path, exists=True, dir_okay=False)
FILE = click.argument("file", type=POLICY_FILE)


@click.group()
def policy() -> None:
    """Write policies, try them, publish them, and have decisions explained."""


@policy.command("check")
@FILE
@with_target
def check(target: Target, file: Path) -> None:
    """Say whether the policy in FILE may be published, and if not, where and why. Needs no node."""
    found = faults_of(read_policy(file).source)
    texts = [problem.text for problem in found.problems]
    texts += [f"{rule} costs at most {fuel} fuel" for rule, fuel in (found.fuel or {}).items()]
    target.show(found, "\n".join([*texts, f"{file} may {'be' if found.holds else 'not be'} published"]))
    if not found.holds:
        sys.exit(Exit.FOUND_FALSE)


@policy.command("test")
@FILE
@with_target
def test(target: Target, file: Path) -> None:
    """Run the cases that FILE holds behind its line `--- tests`. Needs no node."""
    held = read_policy(file)
    ran = run_cases(_parsed(held), held.cases, SCHEMA)
    failed = [one for one in ran if not one.passed]
    lines = [f"{'ok  ' if one.passed else 'FAIL'} {one.name}: {one.found}" for one in ran]
    target.show(ran, "\n".join([*lines, f"{len(ran) - len(failed)} of {len(ran)} cases as expected"]))
    if failed or not ran:
        sys.exit(Exit.FOUND_FALSE)


@policy.command("fmt")
@FILE
@click.option("--check", "only_check", is_flag=True, help="Change nothing; exit status 1 if it would.")
@with_target
def fmt(target: Target, file: Path, only_check: bool) -> None:
    """Lay out the policy in FILE; its cases stay as they are. Needs no node."""
    held = read_policy(file)
    try:
        text = formatted(held.source)
    except contracts_vm.PolicyError as error:
        raise RemarqueError("POLICY_INVALID", str(error)) from None
    changed = text != held.source
    if changed and not only_check:
        write_source(file, text)
    target.show({"changed": changed}, f"{file} {'is laid out otherwise' if changed else 'is laid out already'}")
    if changed and only_check:
        sys.exit(Exit.FOUND_FALSE)


@policy.command("diff")
@click.argument("old", type=POLICY_FILE)
@click.argument("new", type=POLICY_FILE)
@with_target
def diff(target: Target, old: Path, new: Path) -> None:
    """Say what the policy in NEW changes of that in OLD, rule by rule. Needs no node."""
    found = compare(_parsed(read_policy(old)), _parsed(read_policy(new)))
    lines = []
    for one in found:
        lines += [one.what + (f" ({one.note})" if one.note else "")]
        lines += [f"  {sign} {text}" for sign, text in (("-", one.before), ("+", one.after)) if text]
    target.show(found, "\n".join(lines) or "nothing is different")


@policy.command("publish")
@FILE
@with_target
def publish(target: Target, file: Path) -> None:
    """Publish the policy in FILE, for ever, once it holds and all its cases come out as expected."""
    held = read_policy(file)
    failed = [one for one in run_cases(_parsed(held), held.cases, SCHEMA) if not one.passed]
    if failed:
        raise RemarqueError("POLICY_FILE_INVALID", f"case {failed[0].name!r} gave {failed[0].found}; see `policy test`")
    with target.client() as client:
        receipt = client.submit(actions.PublishPolicy(source=held.source))
    target.done(receipt, f"published {_parsed(held).id}")


@policy.command("apply")
@click.argument("name")
@click.argument("version", type=click.IntRange(1))
@click.argument("asset", required=False)
@click.option("--collection", help="Instead of an asset: all those of this collection of yours.")
@click.option("--org", "whole_org", is_flag=True, help="Instead of an asset: all that accounts of your org created.")
@with_target
def apply(target: Target, name: str, version: int, asset: str | None, collection: str | None, whole_org: bool) -> None:
    """Put an ASSET of yours, a collection or your org under a VERSION of the published policy NAME.

    It has its say beside the policies of the broader scopes.
    """
    if (asset is not None) + (collection is not None) + whole_org != 1:
        raise click.UsageError("give one of ASSET, --collection and --org")
    with target.client() as client:
        receipt = client.set_policy(name, version, asset=asset, collection=collection)
    target.done(receipt, f"{asset or collection or 'the org'} is under {name}@{version}")


@policy.command("replay")
@FILE
@click.option("--requests", type=click.IntRange(1, 10_000), default=1_000, show_default=True)
@click.option("--binding-all", is_flag=True, help="As the consortium's policy, in place of the one in force.")
@with_target
def replay(target: Target, file: Path, requests: int, *, binding_all: bool) -> None:
    """Run the chain's last requests again under the policy in FILE, and show which come out otherwise.

    It stands in for the published versions of the same policy, wherever they are in force.
    """
    with target.client() as client:
        found = client.replay(read_policy(file).source, requests, binding_all=binding_all)
    target.show(found, "\n".join([*map(told, found.differences), _counted(found)]))


def _counted(found: Replay) -> str:
    """What a replay came to, and what the policy stood in for."""
    if found.replaces == ():
        return (
            f"{found.policy} stands in for nothing: no version of it is published, so it had no say in any of "
            f"{found.requests} requests; with --binding-all it is run as the consortium's policy"
        )
    instead_of = ", ".join(found.replaces) if isinstance(found.replaces, tuple) else "the consortium's policy"
    counts = f"{found.different} of {found.requests} requests come out otherwise"
    return f"in place of {instead_of}: {counts}; rules were asked {found.decisions} times"


@policy.command("ask")
@click.argument("asset")
@click.argument("kind")
@click.argument("requester")
@click.option("--file", type=POLICY_FILE, help="A policy in the place of the asset's own.")
@click.option("--price", type=AMOUNT, help="What it would be asked for at, such as 900.00.")
@click.option("--currency", default="", help="Of the price.")
@click.option("--to", help="The account that would receive it.")
@click.option("--viewer", metavar="ORG", help="The org whose node would show it; for view.")
@click.option("--paid", is_flag=True, help="As if another action of the same transaction paid.")
@click.option("--height", type=click.IntRange(0), help="On the state after this block instead of the newest.")
@with_target
def ask(
    target: Target,
    asset: str,
    kind: str,
    requester: str,
    file: Path | None,
    price: str | None,
    currency: str,
    to: str | None,
    viewer: str | None,
    paid: bool,
    height: int | None,
) -> None:
    """Ask what would be decided if REQUESTER asked for KIND (view, sale, …) of an ASSET. Changes nothing."""
    source = "" if file is None else read_policy(file).source
    with target.client() as client:
        found = client.evaluate(
            asset,
            kind,
            requester,
            source=source,
            price=units_if_given(client, price, currency),
            currency=currency or None,
            to=to,
            viewer=viewer,
            paid=paid,
            height=height,
        )
    target.show(found, in_words(found.explanation))


@policy.command("explain")
@click.argument("transaction")
@with_target
def explain(target: Target, transaction: str) -> None:
    """Say why the rules decided a TRANSACTION as they did, as far as your account may know."""
    with target.client() as client:
        found = client.transaction(transaction)
    decided = found.outcome.decisions
    lines = [in_line(f"{one.kind}: {one.code}" + (f" by {one.rule}" if one.rule else "")) for one in decided]
    lines += [in_words(one) for one in found.explanations] or ["allowed; what is denied is explained whole"]
    target.show({"decisions": decided, "explanations": found.explanations}, "\n".join(lines))


def told(one: Difference) -> str:
    """A request that comes out otherwise."""
    before, after = _said(one.before), _said(one.after)
    return in_line(f"{one.transaction} block {one.height} {', '.join(one.kinds)}: {before} becomes {after}")


def in_words(explanation: Explanation) -> str:
    """An explanation, a line for each rule and each thing it looked at."""
    lines = [in_line(f"{explanation.action}: {explanation.decision}, {explanation.code}: {explanation.reason}")]
    scopes = {one.policy: one.scope for one in explanation.scopes}
    for rule in explanation.rules:
        lines.append(in_line(f"  {rule.effect} {rule.id} of {rule.policy} ({scopes[rule.policy]}): {_value(rule)}"))
        lines += [in_line(f"    {part.expr} = {_value(part)}") for part in rule.why]
    if explanation.left_out:
        left_out = explanation.left_out
        lines.append(f"  and {left_out.rules} rules and {left_out.parts} parts that did not fit")
    return "\n".join(lines)


def _value(shown: Shown) -> str:
    """What a rule or a part came to: its value, or the one thing that is said instead."""
    for name in Shown.__struct_fields__:
        came_to = getattr(shown, name)
        if came_to is not msgspec.UNSET:
            text = msgspec.json.encode(came_to).decode()
            return text if name == "value" else f"{name} {text}"
    return "withheld"


def _said(decided: Said) -> str:
    return " ".join(word for word in (decided.code, decided.decision, decided.rule) if word)


def _parsed(held: PolicyFile) -> contracts_vm.Policy:
    try:
        return contracts_vm.parse(held.source)
    except contracts_vm.PolicyError as error:
        raise RemarqueError("POLICY_INVALID", str(error)) from None
