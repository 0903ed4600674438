#!/usr/bin/env python3
"""Checks a Remarque receipt with the consortium's genesis file alone: no node, no network, no clock.

    python verify_receipt.py receipt.json genesis.json [recovery.json ...]

Recoveries are those of the chain that you accept, from a source you trust. This one file shares nothing with Remarque;
it needs Python 3.9 or newer and PyNaCl. It follows docs/receipt_format.md, whose section numbers stand in the comments.
Exit status: 0 the receipt holds, 1 it does not, 2 a file cannot be read.
"""

import hashlib
import json
import pathlib
import re
import sys

from nacl.exceptions import BadSignatureError
from nacl.signing import VerifyKey

BYTES_MAX = 1024 * 1024
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
SIGNED_RECOVERY = record({"recovery": RECOVERY, "signatures": array(ENDORSEMENT)}, {})


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


def verify(receipt_data, genesis_data, recoveries_data=()):
    """What the receipt proves, as a dictionary; Refused if it proves nothing."""
    genesis = parse(genesis_data, GENESIS, "the genesis")
    receipt = parse(receipt_data, RECEIPT, "the receipt")
    signed = [parse(data, SIGNED_RECOVERY, "a recovery") for data in recoveries_data]
    require(receipt["version"] == 1, "the receipt is of a version not known here")
    header, transaction, anchor = receipt["header"], receipt["transaction"], receipt.get("anchor", receipt["header"])
    chain = f"{genesis['name']}-{digest('genesis', genesis_data).hexdigest()[:8]}"
    for part in (header, anchor, transaction, *(epoch["header"] for epoch in receipt.get("epochs", []))):
        require(part["chain"] == chain, f"it is of {part['chain'][:80]}, the genesis of {chain}")
    voters = last_voters(voters_from(genesis, signed, chain), receipt, anchor)
    check_certificate(receipt["certificate"], anchor, voters, "the anchor")  # 6.2
    transaction_id = check_transaction(transaction, receipt["signatures"])
    check_leaves(receipt, header, anchor, transaction_id)
    return {
        "transaction": transaction_id,
        "signers": [signer["account"] for signer in transaction["signers"]],
        "code": receipt["outcome"]["code"],
        "height": header["height"],
        "time_ms": header["time_ms"],
        "certified_by": [endorsement["node"] for endorsement in receipt["certificate"]["endorsements"]],
    }


def voters_from(genesis, signed, chain):
    """6.1: (height, voters above it), of the genesis and of each recovery, which all who are left have signed."""
    nodes = sorted(genesis["nodes"], key=lambda node: node["name"])
    found = [(0, {"voters": [{"node": node["name"], "key": node["key"]} for node in nodes]})]
    for number, one in enumerate(sorted(signed, key=lambda one: one["recovery"]["number"]), 1):
        recovery, were = one["recovery"], found[-1][1]["voters"]
        left = [voter for voter in were if voter in recovery["voters"]["voters"]]
        lost = [voter["node"] for voter in were if voter not in left]
        named = (recovery["version"], recovery["chain"], recovery["number"])
        require(named == (1, chain, number), "a recovery is of another version or chain, or one before is missing")
        require(number == 1 or recovery["height"] > found[-1][0], "a recovery goes back behind the one before")
        require((recovery["voters"]["voters"], recovery["lost"]) == (left, lost), "a recovery names other voters")
        require(2 * len(left) <= len(were), "a majority is left and needs no recovery")
        require([by["node"] for by in one["signatures"]] == [voter["node"] for voter in left], "survivors did not sign")
        for voter, by in zip(left, one["signatures"]):  # noqa: B905, for older Pythons
            holds = signature_holds(voter["key"], "recovery", canonical(recovery), by["signature"])
            require(holds, f"the signature of {voter['node']} on a recovery does not verify")
        found.append((recovery["height"], recovery["voters"]))
    return found


def last_voters(voters_by_height, receipt, anchor):
    """6.1: the voters who certify the anchor; where they were changed, each set was certified by the one before."""
    first, *later = voters_by_height
    height, voters = [first, *(one for one in later if one[0] < anchor["height"])][-1]
    for epoch in receipt.get("epochs", []):
        header = epoch["header"]
        require(height < header["height"] < anchor["height"], "the changes of voters are not in order")
        check_certificate(epoch["certificate"], header, voters, f"the change of voters at {header['height']}")
        voters, height = epoch["voters"], header["height"]
        names = [voter["node"] for voter in voters["voters"]]
        require(names == sorted(set(names)), "a set of voters names a node twice, or out of order")
        require(header["next_voters_digest"] == voters_digest(voters), "a change of voters names other voters")
    return voters


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
    if len(arguments) < 2:
        print(__doc__)
        return 2
    try:
        receipt, genesis, *recoveries = (pathlib.Path(name).read_bytes() for name in arguments)
    except OSError as error:
        print(error)
        return 2
    try:
        print(json.dumps({"holds": True, **verify(receipt, genesis, recoveries)}))
    except Refused as fault:
        print(json.dumps({"holds": False, "fault": str(fault)}))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
