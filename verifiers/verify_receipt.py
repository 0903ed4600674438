#!/usr/bin/env python3
"""Checks a Remarque receipt with the consortium's genesis file alone: no node, no network, no clock.

    python verify_receipt.py receipt.json genesis.json [recovery.json ...] [--known checkpoint.json]

Recoveries are those of the chain that you accept, from a source you trust; a known checkpoint is one that you know to
be of the chain. This one file shares nothing with Remarque; it needs Python 3.9 or newer and PyNaCl. It follows
docs/receipt_format.md, whose section numbers stand in the comments.
Exit status: 0 the receipt holds, 1 it does not, 2 a file cannot be read.
"""

import hashlib
import json
import pathlib
import re
import sys

from nacl.exceptions import BadSignatureError
from nacl.signing import VerifyKey

BYTES_MAX = 16 * 1024 * 1024
INTEGER_MAX = 2**53 - 1


class Refused(Exception):
    """The receipt does not prove what it says; the text says what failed."""


# 1. Canonical JSON


def canonical(value):
    """The one spelling of a value (RFC 8785): no floats, no null, names in ASCII."""
    if isinstance(value, bool):
        return b"true" if value else b"false"
    if isinstance(value, int) and abs(value) <= INTEGER_MAX:
        return str(value).encode()
    if isinstance(value, str):
        try:
            return json.dumps(value, ensure_ascii=False).encode()
        except UnicodeEncodeError:
            raise Refused("a text holds half of a surrogate pair") from None
    if isinstance(value, list):
        return b"[" + b",".join([canonical(item) for item in value]) + b"]"
    require(isinstance(value, dict) and all(name.isascii() for name in value), "a value is of no kind that a chain has")
    return b"{" + b",".join([canonical(name) + b":" + canonical(value[name]) for name in sorted(value)]) + b"}"


def parse(data, shape, what):
    """Value of canonical JSON bytes; whatever is spelled otherwise or of another shape is refused."""
    require(len(data) <= BYTES_MAX, f"{what} has more than {BYTES_MAX} bytes")
    try:
        value = json.loads(data.decode())
        require(canonical(value) == data, f"{what} is not canonical JSON")
    except (ValueError, RecursionError):
        raise Refused(f"{what} is not JSON") from None
    require(shape(value), f"{what} has not the shape of one")
    return value


def require(condition, fault):
    if not condition:
        raise Refused(fault)


# 2. Shapes


def hexadecimal(length):
    pattern = re.compile(f"[0-9a-f]{{{length}}}")
    return lambda value: isinstance(value, str) and pattern.fullmatch(value) is not None


def text(value):
    return isinstance(value, str)


def name(value):
    return isinstance(value, str) and value.isascii()


def count(value):
    return type(value) is int and value >= 0


def array(item, least=0, most=64):
    return lambda value: isinstance(value, list) and least <= len(value) <= most and all(item(one) for one in value)


def record(required, optional=None):
    """Check of an object with exactly these members; `None` as `optional` allows any others."""

    def holds(value):
        if not isinstance(value, dict) or not required.keys() <= value.keys():
            return False
        if not all(kind(value[name]) for name, kind in required.items()):
            return False
        others = set(value) - set(required)
        return optional is None or all(name in optional and optional[name](value[name]) for name in others)

    return holds


HASH, SIGNATURE = hexadecimal(64), hexadecimal(128)
HEADER = record(
    {"version": count, "chain": text, "height": count, "term": count, "previous": HASH, "time_ms": count,
     "proposer": text, "log_size": count, "log_root": HASH, "state_root": HASH, "voters_digest": HASH,
     "next_voters_digest": HASH},
    {},
)  # fmt: skip
ENDORSEMENT = record({"node": name, "signature": SIGNATURE}, {})
CERTIFICATE = record({"height": count, "header": HASH, "endorsements": array(ENDORSEMENT, 1)}, {})
PATH = record({"index": count, "hashes": array(HASH)}, {})
VOTERS = record({"voters": array(record({"node": name, "key": HASH}, {}), 1)}, {})
EPOCH = record({"header": HEADER, "certificate": CERTIFICATE, "voters": VOTERS}, {})
SIGNER = record({"account": text, "key": HASH}, {})
TRANSACTION = record({"chain": text, "signers": array(SIGNER, 1, 8)})
RECEIPT = record(
    {"version": count, "transaction": TRANSACTION, "signatures": array(SIGNATURE), "outcome": record({"code": text}),
     "header": HEADER, "path": PATH, "certificate": CERTIFICATE},
    {"anchor": HEADER, "header_path": PATH, "epochs": array(EPOCH, 1, 4096)},
)  # fmt: skip
GENESIS = record({"name": text, "nodes": array(record({"name": name, "key": HASH}), 1)})
RECOVERY = record(
    {"version": count, "chain": text, "number": count, "height": count, "term": count, "header": HASH,
     "voters": VOTERS, "lost": array(name), "reason": text, "time_ms": count}, {})  # fmt: skip
SIGNED_RECOVERY = record(
    {"recovery": RECOVERY, "signatures": array(ENDORSEMENT)}, {"epochs": array(EPOCH, 1, 4096)}
)  # fmt: skip
CHECKPOINT = record({"header": HEADER})


# 3. Hashes and signatures


def digest(tag, payload):
    return hashlib.sha256(f"remarque/{tag}/v1".encode() + payload)


def signature_holds(key, tag, payload, signature):
    try:
        VerifyKey(bytes.fromhex(key)).verify(f"remarque/{tag}/v1".encode() + payload, bytes.fromhex(signature))
    except (BadSignatureError, ValueError):
        return False
    return True


def header_hash(header):
    return digest("header", canonical(header)).hexdigest()


def voters_digest(voters):
    return digest("voters", canonical(voters)).hexdigest()


# 4. The log (RFC 9162)


def root_of_path(entry, path, size):
    """Root that an inclusion path leads to from an entry; Refused if its length does not fit."""
    index, last = path["index"], size - 1
    require(index <= last, "a path starts outside the log")
    result = hashlib.sha256(b"\x00" + entry).digest()
    for sibling in map(bytes.fromhex, path["hashes"]):
        require(last > 0, "a path is too long")
        if index & 1 or index == last:
            result = hashlib.sha256(b"\x01" + sibling + result).digest()
            while index & 1 == 0 and index:
                index, last = index >> 1, last >> 1
        else:
            result = hashlib.sha256(b"\x01" + result + sibling).digest()
        index, last = index >> 1, last >> 1
    require(last == 0, "a path is too short")
    return result.hex()


# 5. Certificates


def check_certificate(certificate, header, voters, what):
    """Endorsements of the header by a majority of the voters that it names."""
    keys = {voter["node"]: voter["key"] for voter in voters["voters"]}
    nodes = [endorsement["node"] for endorsement in certificate["endorsements"]]
    require(header["voters_digest"] == voters_digest(voters), f"{what} names other voters")
    require(certificate["height"] == header["height"], f"the certificate of {what} is for another height")
    require(certificate["header"] == header_hash(header), f"the certificate of {what} is for another header")
    require(nodes == sorted(set(nodes)), f"the certificate of {what} names a node twice, or out of order")
    require(len(nodes) > len(keys) // 2, f"{what} is endorsed by {len(nodes)} of {len(keys)} nodes, not by a majority")
    for endorsement in certificate["endorsements"]:
        node = endorsement["node"]
        require(node in keys, f"{node} endorses {what} and is no voter")
        holds = signature_holds(keys[node], "endorsement", certificate["header"].encode(), endorsement["signature"])
        require(holds, f"the endorsement of {what} by {node} does not verify")


# 6. The receipt


def verify(receipt_data, genesis_data, recoveries_data=(), known_data=None):
    """What the receipt proves, as a dictionary; Refused if it proves nothing."""
    genesis = parse(genesis_data, GENESIS, "the genesis")
    receipt = parse(receipt_data, RECEIPT, "the receipt")
    signed = [parse(data, SIGNED_RECOVERY, "a recovery") for data in recoveries_data]
    signed.sort(key=lambda one: one["recovery"]["number"])
    require(receipt["version"] == 1, "the receipt is of a version not known here")
    header, transaction, anchor = receipt["header"], receipt["transaction"], receipt.get("anchor", receipt["header"])
    chain = f"{genesis['name']}-{digest('genesis', genesis_data).hexdigest()[:8]}"
    for part in (header, anchor, transaction):
        require(part["chain"] == chain, f"it is of {part['chain'][:80]}, the genesis of {chain}")
    nodes = sorted(genesis["nodes"], key=lambda node: node["name"])
    first = {"voters": [{"node": node["name"], "key": node["key"]} for node in nodes]}
    check_recoveries(signed, first, chain)
    voters = voters_at(anchor["height"], first, signed, receipt, chain)
    check_certificate(receipt["certificate"], anchor, voters, "the anchor")  # 6.2
    transaction_id = check_transaction(transaction, receipt["signatures"])
    check_leaves(receipt, header, anchor, transaction_id)
    if known_data is not None:
        known = parse_known(known_data, chain)
        check_known(known, turns_below(anchor, first, signed, receipt))
        require(known["height"] != header["height"] or known == header, f"another block {header['height']} is known")
    return {
        "transaction": transaction_id,
        "signers": [signer["account"] for signer in transaction["signers"]],
        "code": receipt["outcome"]["code"],
        "height": header["height"],
        "time_ms": header["time_ms"],
        "certified_by": [endorsement["node"] for endorsement in receipt["certificate"]["endorsements"]],
    }


def voters_at(height, first, signed, carrier, chain):
    """6.1: who certifies the block of a height, by the recoveries below and then the epochs that a carrier brings."""
    above, voters = 0, first
    for recovery in (one["recovery"] for one in signed):
        if recovery["height"] < height:
            above, voters = recovery["height"], recovery["voters"]
    for epoch in carrier.get("epochs", []):
        header = epoch["header"]
        require(header["chain"] == chain, "a change of voters is of another chain")
        require(above < header["height"] < height, "the changes of voters are not in order")
        check_certificate(epoch["certificate"], header, voters, f"the change of voters at {header['height']}")
        voters, above = epoch["voters"], header["height"]
        names = [voter["node"] for voter in voters["voters"]]
        require(names == sorted(set(names)), "a set of voters names a node twice, or out of order")
        require(header["next_voters_digest"] == voters_digest(voters), "a change of voters names other voters")
        require(header["next_voters_digest"] != header["voters_digest"], "a change of voters changes nothing")
    return voters


def check_recoveries(signed, first, chain):
    """6.5: each follows the one before, and all who are left have signed it."""
    for number, one in enumerate(signed, 1):
        recovery, before = one["recovery"], signed[: number - 1]
        named = (recovery["version"], recovery["chain"], recovery["number"])
        require(named == (1, chain, number), "a recovery is of another version or chain, or one before is missing")
        for last in (other["recovery"] for other in before[-1:]):
            again = (recovery["height"], recovery["header"]) == (last["height"], last["header"])
            require(again or recovery["height"] > last["height"], "a recovery goes back behind the one before")
        for header in (epoch["header"] for epoch in one.get("epochs", [])):
            same = header["height"] != recovery["height"] or header_hash(header) == recovery["header"]
            require(same, "voters changed at another block of a recovery's height")
        were = voters_at(recovery["height"] + 1, first, before, one, chain)["voters"]
        left = [voter for voter in were if voter in recovery["voters"]["voters"]]
        lost = [voter["node"] for voter in were if voter not in left]
        require((recovery["voters"]["voters"], recovery["lost"]) == (left, lost), "a recovery names other voters")
        require(2 * len(left) <= len(were), "a majority is left and needs no recovery")
        require([by["node"] for by in one["signatures"]] == [voter["node"] for voter in left], "survivors did not sign")
        for voter, by in zip(left, one["signatures"]):  # noqa: B905, for older Pythons
            holds = signature_holds(voter["key"], "recovery", canonical(recovery), by["signature"])
            require(holds, f"the signature of {voter['node']} on a recovery does not verify")


def parse_known(data, chain):
    """6.6: the header of a checkpoint, from JSON however it is spelled."""
    try:
        checkpoint = json.loads(data)
    except (ValueError, RecursionError):
        raise Refused("the known checkpoint is not JSON") from None
    require(CHECKPOINT(checkpoint), "the known checkpoint has not the shape of one")
    header, certificate = checkpoint["header"], checkpoint.get("certificate", {"header": None})
    require("certificate" not in checkpoint or CERTIFICATE(certificate), "the known certificate is none")
    require(certificate["header"] in (None, header_hash(header)), "the known certificate is for another header")
    require(header["chain"] == chain, "the known header is of another chain than this genesis")
    return header


def turns_below(anchor, first, signed, receipt):
    """6.6: (height, header's hash, digest of the voters above, voters that the header names) of every turn."""

    def turn(header):
        named = (header["voters_digest"], header["next_voters_digest"])
        return header["height"], header_hash(header), named[1], named

    found = [(-1, None, voters_digest(first), None)]
    for one in signed:
        recovery = one["recovery"]
        if recovery["height"] < anchor["height"]:
            found += [turn(epoch["header"]) for epoch in one.get("epochs", [])]
            found.append((recovery["height"], recovery["header"], voters_digest(recovery["voters"]), None))
    return [*found, *(turn(epoch["header"]) for epoch in receipt.get("epochs", [])), turn(anchor)]


def check_known(known, turns):
    """6.6: a known header names the voters that are shown for its height, and for the next one."""
    height, named = known["height"], (known["voters_digest"], known["next_voters_digest"])
    hashes = [turn[1] for turn in turns if turn[0] == height]
    require(all(one == header_hash(known) for one in hashes), f"another block {height} is known")
    if turns[-1][0] <= height:
        return
    below = [turn for turn in turns if turn[0] < height]
    require(below[-1][2] == named[0] or below[-1][3] == named, f"block {height} is known to have other voters")
    _, _, _, names = turns[len(below)]
    if names not in (None, named):
        require(names[0] == named[1], f"block {height} is known to be followed by other voters")


def check_transaction(transaction, signatures):
    """6.3: every signer signed, in order; the id of the transaction."""
    body, signers = canonical(transaction), transaction["signers"]
    require(len(signatures) == len(signers), f"{len(signers)} signers, {len(signatures)} signatures")
    for signer, signature in zip(signers, signatures):  # noqa: B905, for older Pythons
        holds = signature_holds(signer["key"], "transaction", body, signature)
        require(holds, f"the signature of {signer['account'][:80]} does not verify")
    return digest("transaction", body).hexdigest()


def check_leaves(receipt, header, anchor, transaction_id):
    """6.4: the transaction with its outcome, and the header of its block, stand in the anchor's log."""
    signatures = digest("signatures", "".join(receipt["signatures"]).encode()).digest()
    outcome = digest("outcome", canonical(receipt["outcome"])).digest()
    place = header["height"].to_bytes(8, "big") + bytes.fromhex(transaction_id)
    root = root_of_path(b"remarque/leaf/v1" + place + signatures + outcome, receipt["path"], anchor["log_size"])
    require(root == anchor["log_root"], "the transaction is not in the anchor's log")
    require(receipt["path"]["index"] < header["log_size"], "the transaction's leaf lies after its block")
    require(("anchor" in receipt) == ("header_path" in receipt), "an anchor and a header path come together")
    if "anchor" in receipt:
        require(anchor["height"] > header["height"], "the anchor lies below the block")
        path = receipt["header_path"]
        require(path["index"] == header["log_size"], "the header's leaf does not follow its block")
        root = root_of_path(b"remarque/previous/v1" + bytes.fromhex(header_hash(header)), path, anchor["log_size"])
        require(root == anchor["log_root"], "the block's header is not in the anchor's log")


def main(arguments):
    known = None
    if "--known" in arguments[:-1]:
        place = arguments.index("--known")
        known, arguments = arguments[place + 1], arguments[:place] + arguments[place + 2 :]
    if len(arguments) < 2:
        print(__doc__)
        return 2
    try:
        receipt, genesis, *recoveries = (pathlib.Path(name).read_bytes() for name in arguments)
        checkpoint = None if known is None else pathlib.Path(known).read_bytes()
    except OSError as error:
        print(error)
        return 2
    try:
        print(json.dumps({"holds": True, **verify(receipt, genesis, recoveries, checkpoint)}))
    except Refused as fault:
        print(json.dumps({"holds": False, "fault": str(fault)}))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
