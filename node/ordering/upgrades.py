"""New versions of the rules of execution, seen by one node: it says in time what it does not know, and votes for none.

A version is activated by vote, some blocks ahead. A node that does not know it warns until then, in a log line and
in its status. It takes no vote of its own org for it, and it stops at the version's first block (`Chain.version`).
"""

from __future__ import annotations

from msgspec import UNSET

from ledger import records
from ledger.actions import CastVote, Propose
from ledger.events import ProtocolScheduled
from ledger.execution.view import Ledger
from ledger.governance import AnyChange, Proposal, proposal_key, unknown_version
from ledger.names import org_of
from ledger.transaction import SignedTransaction
from node.chain.chain import Chain
from node.chain.layers import Layer
from node.ground.logs import logger
from remarque.api.chain import ProtocolAhead, ProtocolStatus
from remarque.errors import NodeCode, NodeError


class Upgrades:
    """Warns of what comes and is not known here: now, and whenever an activation is voted."""

    def __init__(self, chain: Chain) -> None:
        self._chain = chain
        chain.commits.follow(self._committed)
        self._warn()

    def _committed(self, layers: list[Layer]) -> None:
        events = (event for layer in layers for outcome in layer.result.outcomes for event in outcome.events)
        if any(isinstance(event, ProtocolScheduled) for event in events):
            self._warn()

    def _warn(self) -> None:
        ahead = self._chain.protocol().ahead_of(self._chain.committed.height)
        if ahead is not None and ahead.version not in self._chain.versions:
            logger.warning(
                "protocol_unknown",
                version=ahead.version,
                height=ahead.height,
                fix="install software that knows this version before the chain is at this height; else the node stops",
            )


def protocol_status(chain: Chain) -> ProtocolStatus:
    """What rules are in force, which this node knows, and what comes."""
    protocol, height = chain.protocol(), chain.committed.height
    ahead = protocol.ahead_of(height)
    return ProtocolStatus(
        in_force=protocol.number_at(height),
        known=tuple(sorted(chain.versions)),
        ahead=UNSET
        if ahead is None
        else ProtocolAhead(version=ahead.version, height=ahead.height, known=ahead.version in chain.versions),
    )


def check_vote(chain: Chain, ledger: Ledger, signed: SignedTransaction) -> None:
    """Refuse to pass on this org's word for rules that its node does not know. Other orgs answer for themselves."""
    for ask in signed.transaction.actions:
        if not isinstance(ask, Propose | CastVote):
            continue
        unknown = unknown_version(_approved(ledger, ask), chain.versions)
        node = ledger.find(records.node_key(chain.node), records.NodeRecord)
        if unknown is not None and node is not None and node.org == org_of(signed.transaction.signers[0].account):
            raise NodeError(
                NodeCode.PROTOCOL_UNKNOWN,
                f"{chain.node} does not know protocol version {unknown}, and would stop at it; upgrade it, then vote",
            )


def _approved(ledger: Ledger, ask: Propose | CastVote) -> tuple[AnyChange, ...]:
    """The changes that an action is in favour of."""
    if isinstance(ask, Propose):
        return ask.changes
    proposal = ledger.find(proposal_key(ask.proposal), Proposal) if ask.approve else None
    return () if proposal is None else proposal.changes
