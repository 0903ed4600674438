"""What may be asked of a generator: a request signed by its creator, with openings that open its commitments."""

from __future__ import annotations

import hashlib

import msgspec

from generator.settings import Settings
from ledger import crypto
from ledger.encoding import encode
from ledger.execution.disclosure import check_withheld
from ledger.execution.generated import check_models
from ledger.generation import COUNT_MAX, OPTIONAL_SETTINGS, PROMPT_LENGTH_MAX, Openings
from node.chain.chain import Chain
from node.generation.sources import check_source
from remarque import sealing
from remarque.api.generation import AskGeneration
from remarque.errors import NodeCode, NodeError


def check_asked(ask: AskGeneration, chain: Chain, now_ms: int) -> None:
    """GENERATION_INVALID unless the request holds on this chain now; for its models and what it withholds, the code
    that its record would be refused with.
    """
    request, openings = ask.request, ask.openings
    prompt = openings.value("prompt")
    org = chain.ledger().org_of_node(chain.node)
    held = not request.confidential or sealing.custodians_of(request.creator, chain.genesis, chain.node)
    silent = chain.ledger().key_fault(request.creator, request.key)
    signed = crypto.verify(request.key, crypto.GENERATION_REQUEST, encode(request), ask.signature)
    for holds, fault in (
        (request.chain == chain.name, f"it is for {request.chain}, this is {chain.name}"),
        (request.generator == org, f"it is for generators of {request.generator}, this node is of {org}"),
        (not silent, silent),
        (signed, "its signature does not verify; sign remarque/generation-request/v1 and the canonical request"),
        (
            not openings.misfits(request.commitments) and set(openings.given()) == set(request.commitments.fields()),
            "the openings do not open its commitments",
        ),
        (
            _digest(ask.mask) == openings.value("mask"),
            "the mask it comes with is not the one its settings name",
        ),
        (request.valid_until_ms >= now_ms, "it is no longer valid; sign it again"),
        (
            bool(held),
            f"no node of its creator's org is in the genesis, nor is {chain.node}, so none can hold its key",
        ),
        (request.count <= COUNT_MAX, f"it asks for {request.count} pictures, at most {COUNT_MAX}"),
        (
            all(openings.value(name) != usual for name, usual in OPTIONAL_SETTINGS.items()),
            "it commits to a setting that is as usual; leave that out",
        ),
        (isinstance(prompt, str) and prompt.strip() != "", "the prompt is empty; describe the picture"),
        (len(str(prompt)) <= PROMPT_LENGTH_MAX, f"the prompt has more than {PROMPT_LENGTH_MAX} characters"),
    ):
        if not holds:
            raise NodeError(NodeCode.GENERATION_INVALID, fault)
    settings_of(openings)
    check_models(chain.ledger(), request)
    check_withheld(chain.ledger(), request)
    check_source(request, chain, now_ms)


def _digest(mask: bytes) -> str | None:
    """As settings name a mask; None for none."""
    return hashlib.sha256(mask).hexdigest() if mask else None


def settings_of(openings: Openings) -> Settings:
    """The generator's settings in openings. GENERATION_INVALID names the one that is out of range."""
    try:
        return msgspec.convert({field: opening.value for field, opening in openings.given().items()}, Settings)
    except msgspec.ValidationError as error:
        raise NodeError(NodeCode.GENERATION_INVALID, f"{error}; see docs/use.md for the ranges") from None
