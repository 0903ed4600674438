"""A picture that a worker brings is held to its attestation, and that to the job, before anything is stored."""

from __future__ import annotations

from msgspec import UNSET

from ledger import crypto, records
from ledger.encoding import encode
from ledger.errors import Code, LedgerError
from ledger.generation import Attestation
from node.chain.chain import Chain
from node.decoding.asking import Facts
from node.generation.asking import settings_of
from node.generation.jobs import Job
from remarque.api.work import MadePicture

AHEAD_MS = 300_000
"""How far ahead of its node's the clock of a worker may be."""


def check_attestation(made: MadePicture, job: Job, account: str, chain: Chain) -> None:
    """ATTESTATION_INVALID unless an attestation is the account's own, of a picture of this job; REQUEST_USED if that
    one is recorded already.
    """
    said, request, settings = made.attestation, job.request, settings_of(job.openings)
    silent = chain.ledger().key_fault(account, said.key)
    for holds, fault in (
        (said.chain == chain.name, f"it is for {said.chain}, this is {chain.name}"),
        (said.generator == account, f"it is {said.generator}'s, brought by {account}"),
        (not silent, silent),
        (said.request == job.id, "it is about another request than the work's"),
        (said.model == request.model, "it names another model than the request"),
        (said.index < request.count, f"picture {said.index} was not asked for"),
        ((said.width, said.height) == (settings.width, settings.height), "it states another size than was asked for"),
        (said.media_type == "image/png", "it is not about a PNG"),
        (
            crypto.verify(said.key, crypto.ATTESTATION, encode(said), made.signature),
            "its signature does not verify; sign remarque/attestation/v1 and the canonical attestation",
        ),
    ):
        if not holds:
            raise LedgerError(Code.ATTESTATION_INVALID, fault)
    if chain.ledger().holds(records.request_key(job.id, said.index)):
        raise LedgerError(Code.REQUEST_USED, f"picture {said.index} of generation {job.id[:16]}… is recorded")


def check_file(facts: Facts, said: Attestation, now_ms: int) -> None:
    """ATTESTATION_INVALID unless a file is the one that an attestation is about, and not of a time to come."""
    mark = UNSET if facts.mark is None else facts.mark.mark
    for holds, fault in (
        (facts.file_digest == said.file_digest, "the file is another one"),
        (facts.media_type == said.media_type, f"the file is {facts.media_type}"),
        (facts.pixel_digest == said.pixel_digest, "the file has other pixels"),
        ((facts.width, facts.height) == (said.width, said.height), "the file is of another size"),
        (said.mark in (UNSET, mark), "the file has not that watermark"),
        (said.time_ms <= now_ms + AHEAD_MS, "it is of a time to come; set the worker's clock"),
        (said.image_code in (UNSET, facts.main.code), "the file has another image code"),
    ):
        if not holds:
            raise LedgerError(Code.ATTESTATION_INVALID, f"the file is not what is attested: {fault}")
