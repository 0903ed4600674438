"""Key files: what they hold, who may read them, and what a wrong passphrase, a damaged file or a slip comes to."""

from __future__ import annotations

import json
import os
import resource
import ssl
import stat
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.x509.oid import NameOID
from handshake import shown

import remarque.keys.files as keys
from ledger.crypto import SigningKey
from ledger.node_certificate import make_certificate
from node.cli.main import cli
from node.peers.tls import client_context, server_context
from remarque.errors import NodeCode, NodeError
from remarque.keys.encrypted import MODERATE, Cost
from remarque.keys.passphrases import PASSPHRASE_FILE

CHEAP = Cost(operations=1, memory_bytes=8 * 1024)
"""The least that argon2id does, so that tests are quick."""
KEY = SigningKey(bytes(range(32)))


def right(_: Path) -> bytes:
    return b"correct horse"


def wrong(_: Path) -> bytes:
    return b"incorrect horse"


@pytest.fixture
def encrypted(tmp_path: Path) -> Path:
    keys.save_key(tmp_path / "alice.key", KEY, right(tmp_path), CHEAP)
    return tmp_path / "alice.key"


def changed(path: Path, **fields: Any) -> None:
    path.write_text(json.dumps(json.loads(path.read_text()) | fields, sort_keys=True, separators=(",", ":")))


def test_an_encrypted_key_comes_back_with_its_passphrase_and_names_its_public_part_without(encrypted: Path) -> None:
    assert keys.load_key(encrypted, right).seed == KEY.seed
    assert keys.public_key(encrypted) == KEY.public
    assert keys.certificate_in(encrypted) == make_certificate(KEY).hex()
    assert KEY.seed.hex() not in encrypted.read_text()


def test_the_format_says_how_it_is_opened_so_that_other_programs_can(encrypted: Path) -> None:
    import nacl.pwhash
    import nacl.secret

    found = json.loads(encrypted.read_text())
    opened = nacl.secret.SecretBox(
        nacl.pwhash.argon2id.kdf(
            32, b"correct horse", bytes.fromhex(found["salt"]), found["operations"], found["memory_bytes"]
        )
    ).decrypt(bytes.fromhex(found["nonce"] + found["sealed"]))

    assert (found["remarque_key"], found["kdf"], found["cipher"]) == (1, "argon2id", "xsalsa20-poly1305")
    assert opened == KEY.seed


def test_guessing_costs_a_quarter_of_a_gigabyte_unless_told_otherwise() -> None:
    assert (MODERATE.operations, MODERATE.memory_bytes) == (3, 256 * 1024 * 1024)


def test_a_machine_without_the_memory_says_so(tmp_path: Path) -> None:
    keys.save_key(tmp_path / "a.key", KEY, b"correct horse", Cost(operations=1, memory_bytes=256 * 1024 * 1024))
    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    before = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (used + 128 * 1024 * 1024, before[1]))
    try:
        with pytest.raises(NodeError, match=r"KEY_UNREADABLE.*256 MiB"):
            keys.load_key(tmp_path / "a.key", right)
    finally:
        resource.setrlimit(resource.RLIMIT_AS, before)
    assert keys.load_key(tmp_path / "a.key", right).seed == KEY.seed


def test_two_files_of_one_key_have_nothing_secret_in_common(tmp_path: Path) -> None:
    for name in ("a", "b"):
        keys.save_key(tmp_path / name, KEY, b"same", CHEAP)
    one, other = (json.loads((tmp_path / name).read_text()) for name in ("a", "b"))

    assert all(one[field] != other[field] for field in ("salt", "nonce", "sealed"))


@pytest.mark.parametrize("passphrase", [None, b"correct horse"])
def test_a_key_file_is_its_owners_alone_and_is_never_overwritten(tmp_path: Path, passphrase: bytes | None) -> None:
    before = os.umask(0)
    try:
        keys.save_key(tmp_path / "a.key", KEY, passphrase, CHEAP)
    finally:
        os.umask(before)
    data = (tmp_path / "a.key").read_bytes()

    with pytest.raises(NodeError, match="KEY_FILE_EXISTS"):
        keys.save_key(tmp_path / "a.key", keys.new_key())

    assert stat.S_IMODE((tmp_path / "a.key").stat().st_mode) == 0o600
    assert (tmp_path / "a.key").read_bytes() == data
    assert [path.name for path in tmp_path.iterdir()] == ["a.key"]


def test_files_are_the_owners_alone_before_a_byte_is_in_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    modes = []
    opened = os.fdopen

    def seen(descriptor: int, *arguments: Any) -> Any:
        modes.append((stat.S_IMODE(os.fstat(descriptor).st_mode), os.fstat(descriptor).st_size))
        return opened(descriptor, *arguments)

    monkeypatch.setattr(os, "fdopen", seen)
    keys.save_key(tmp_path / "a.key", KEY)
    keys.rewrite_key(tmp_path / "a.key", KEY, b"x", CHEAP)

    assert modes == [(0o600, 0)] * 2


def test_a_wrong_passphrase_is_told_from_a_damaged_file(encrypted: Path) -> None:
    with pytest.raises(NodeError, match="PASSPHRASE_WRONG"):
        keys.load_key(encrypted, wrong)
    found = json.loads(encrypted.read_text())
    changed(encrypted, sealed="0" * 96)

    with pytest.raises(NodeError, match=r"KEY_UNREADABLE.*checksum"):
        keys.load_key(encrypted, right)
    assert found["sealed"] != "0" * 96


@pytest.mark.parametrize(
    "fields",
    [
        {"remarque_key": 2},
        {"kdf": "scrypt"},
        {"cipher": "aes"},
        {"memory_bytes": 2**40},
        {"memory_bytes": 2**29 + 1},
        {"operations": 0},
        {"operations": 10**9},
        {"operations": 7},
        {"salt": "00"},
        {"nonce": "zz" * 24},
        {"sealed": ""},
        {"public": "0" * 64},
        {"checksum": "0" * 64},
        {"more": 1},
    ],
)
def test_a_damaged_or_hostile_file_is_refused_before_a_passphrase_is_asked_for(
    encrypted: Path, fields: dict[str, Any]
) -> None:
    def never(_: Path) -> bytes:
        raise AssertionError("asked")

    changed(encrypted, **fields)

    with pytest.raises(NodeError, match="KEY_UNREADABLE"):
        keys.load_key(encrypted, never)


def test_every_changed_or_missing_byte_is_noticed(encrypted: Path) -> None:
    data = encrypted.read_bytes()
    for place in range(len(data) - 1):
        for broken in (data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :], data[:place]):
            encrypted.write_bytes(broken)
            encrypted.chmod(0o600)
            with pytest.raises(NodeError) as refused:
                keys.load_key(encrypted, right)
            assert refused.value.code is NodeCode.KEY_UNREADABLE


@pytest.mark.parametrize("text", ["", "00", "zz" * 32, "00" * 33, "é" * 64, "00" * 20_000])
def test_what_is_no_key_file_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "a.key"
    path.write_text(text)
    path.chmod(0o600)

    with pytest.raises(NodeError, match="KEY_UNREADABLE"):
        keys.load_key(path)


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o644, 0o700 | 0o010])
def test_a_key_in_clear_that_others_may_read_is_refused_with_the_way_out(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "a.key"
    path.write_text(KEY.seed.hex())
    path.chmod(mode)

    with pytest.raises(NodeError, match=r"KEY_EXPOSED.*chmod 600"):
        keys.load_key(path)
    path.chmod(0o600)
    assert keys.load_key(path).seed == KEY.seed


def test_a_key_in_clear_of_an_older_version_is_read_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "a.key"
    path.write_text(KEY.seed.hex() + "\n")
    path.chmod(0o400)

    assert keys.load_key(str(path)).public == KEY.public


def test_without_terminal_or_file_a_passphrase_is_asked_for_in_vain(encrypted: Path, tmp_path: Path) -> None:
    with pytest.raises(NodeError, match=r"PASSPHRASE_NEEDED.*REMARQUE_PASSPHRASE_FILE"):
        keys.load_key(encrypted)


@pytest.mark.parametrize("content", [b"", b"\nsecond line", None])
def test_an_empty_or_missing_passphrase_file_is_refused(
    encrypted: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes | None
) -> None:
    if content is not None:
        (tmp_path / "passphrase").write_bytes(content)
    monkeypatch.setenv(PASSPHRASE_FILE, str(tmp_path / "passphrase"))

    with pytest.raises(NodeError, match="PASSPHRASE_NEEDED"):
        keys.load_key(encrypted)


# The commands -------------------------------------------------------------------------------------------------------


def run(*arguments: str, typed: str = "", **environment: str) -> tuple[int, str]:
    done = CliRunner().invoke(cli, ["keys", *arguments], input=typed, env=environment)
    return done.exit_code, done.output


def test_the_commands_make_show_encrypt_decrypt_and_change(tmp_path: Path) -> None:
    for name in ("first", "second"):
        (tmp_path / name).write_text(f"{name} passphrase\n")
    path, first, second = str(tmp_path / "a.key"), str(tmp_path / "first"), str(tmp_path / "second")
    with_first, with_second = {PASSPHRASE_FILE: first}, {PASSPHRASE_FILE: second}

    made = run("new", path, "--encrypt", **with_first)
    shown = run("show", path)
    changed = run("change-passphrase", path, "--new-passphrase-file", second, **with_first)
    refused = run("decrypt", path, **with_first)
    decrypted = run("decrypt", path, **with_second)
    in_clear = keys.load_key(path)
    typed = run("encrypt", path, typed="typed\ntyped\n")

    assert made[0] == shown[0] == changed[0] == decrypted[0] == typed[0] == 0, (made, shown, changed, decrypted, typed)
    assert made[1] == shown[1]
    assert in_clear.public in shown[1]
    assert (refused[0], "PASSPHRASE_WRONG" in refused[1]) == (5, True)
    assert keys.load_key(path, lambda _: b"typed").seed == in_clear.seed
    assert "typed" not in typed[1].replace("New passphrase", "")
    assert run("encrypt", path)[0] == run("new", path)[0] == 5


def test_decrypting_what_is_in_clear_says_so(tmp_path: Path) -> None:
    keys.save_key(tmp_path / "a.key", KEY)

    status, output = run("decrypt", str(tmp_path / "a.key"))

    assert (status, "in clear" in output) == (5, True)


# No expiry can stop the chain ---------------------------------------------------------------------------------------


def test_certificates_are_valid_to_the_year_9999() -> None:
    certificate = make_certificate(KEY)
    found = x509.load_der_x509_certificate(certificate)

    assert found.not_valid_after_utc == datetime(9999, 12, 31, tzinfo=UTC)


@pytest.mark.parametrize("years", [(2001, 2002), (2998, 2999)])
def test_peers_agree_on_a_connection_whatever_time_their_certificates_name(years: tuple[int, int]) -> None:
    """Certificates that ended long ago, or begin in a thousand years, with everything else as nodes have it."""
    one, other = KEY, keys.new_key()
    ours, theirs = a_certificate(one, years), a_certificate(other, years)

    assert shown(client_context(other, theirs, ours), server_context(one, ours, [theirs])) == theirs


def test_a_stranger_is_not_let_in_whatever_time_it_is() -> None:
    one, stranger = KEY, keys.new_key()
    server = server_context(one, make_certificate(one), [make_certificate(one)])

    with pytest.raises(ssl.SSLError, match="CERTIFICATE_VERIFY_FAILED"):
        shown(client_context(stranger, make_certificate(stranger), make_certificate(one)), server)


def a_certificate(key: SigningKey, years: tuple[int, int]) -> bytes:
    """As nodes make it, but for its time."""
    private = Ed25519PrivateKey.from_private_bytes(key.seed)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, key.public)])
    builder = x509.CertificateBuilder(
        subject_name=name,
        issuer_name=name,
        public_key=private.public_key(),
        serial_number=1,
        not_valid_before=datetime(years[0], 1, 1, tzinfo=UTC),
        not_valid_after=datetime(years[1], 1, 1, tzinfo=UTC),
    )
    return builder.sign(private, None).public_bytes(serialization.Encoding.DER)
