"""The certificates of a consortium: made as files, read by nodes, renewed while they run, and told before they end."""

from __future__ import annotations

import json
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from credentialed import a_claim, a_file

from node.cli.main import cli
from node.credentials.key_files import CLAIM, STAMP, CredentialFolder, SigningLeaf
from node.keeping import authorities
from node.keeping.authorities import found_authority, issue_credentials, renew_credentials, shown
from pictures.credentials.findings import CredentialState
from pictures.credentials.manifest import Signing, seal
from pictures.credentials.reading import read_credentials
from pictures.credentials.timestamps import StampKeys, answer
from remarque.errors import NodeError


def run(*arguments: object) -> Result:
    return CliRunner().invoke(cli, ["--json", "credentials", *map(str, arguments)])


def leaf_of(folder: Path, name: str) -> SigningLeaf:
    found = CredentialFolder(folder).leaf(name)
    assert found is not None
    return found


@pytest.fixture
def root(tmp_path: Path) -> Path:
    found_authority(tmp_path / "root", "Consortium", "de")
    return tmp_path / "root"


@pytest.fixture
def studio(root: Path, tmp_path: Path) -> Path:
    issue_credentials(root, "studio", tmp_path / "studio")
    return tmp_path / "studio"


def test_what_an_org_signs_with_its_leaves_is_trusted_below_the_root(root: Path, studio: Path) -> None:
    claim, stamp = leaf_of(studio, CLAIM), leaf_of(studio, STAMP)
    keys = StampKeys(stamp.key, stamp.chain)
    signing = Signing(claim.chain, claim.sign, stamp=lambda asked: answer(asked, keys, datetime.now(UTC), 7))

    sealed = seal(a_file(), a_claim(), signing)
    found = read_credentials(sealed.data, (root / "root.pem").read_text())

    assert (found.state, found.failures) == (CredentialState.TRUSTED, ())
    assert found.active is not None
    assert found.active.stamp_trusted
    assert found.active.signer is not None
    assert found.active.signer.organization == "studio"


def test_the_commands_make_a_root_and_leaves_and_say_when_they_end(tmp_path: Path) -> None:
    founded = run("found", "--out", tmp_path / "root", "--name", "Consortium", "--country", "DE")
    issued = run("issue", tmp_path / "root", "--org", "studio", "--out", tmp_path / "studio")
    told = run("show", tmp_path / "studio")

    assert (founded.exit_code, issued.exit_code) == (0, 0), issued.output
    certificates = json.loads(told.output)
    assert [Path(one["file"]).name for one in certificates] == ["issuing.pem", "claim.pem", "stamp.pem"]
    assert [one["days_left"] for one in certificates] == [1826, 365, 1825]
    assert "O=studio" in certificates[1]["subject"]


def test_keys_are_their_owners_alone_and_are_never_overwritten(root: Path, studio: Path) -> None:
    keys = [*root.rglob("*.key"), *studio.rglob("*.key")]

    assert len(keys) == 4
    assert {stat.S_IMODE(key.stat().st_mode) for key in keys} == {0o600}
    with pytest.raises(NodeError, match="KEY_FILE_EXISTS"):
        issue_credentials(root, "studio", studio)
    (studio / "authority" / "issuing.key").unlink()
    with pytest.raises(NodeError, match=r"KEY_FILE_EXISTS: .*claim\.key"):
        issue_credentials(root, "studio", studio)
    with pytest.raises(NodeError, match="KEY_FILE_EXISTS"):
        found_authority(root, "Consortium", "DE")


def test_a_key_that_others_may_read_signs_nothing(studio: Path) -> None:
    (studio / "claim.key").chmod(0o644)

    with pytest.raises(NodeError, match="KEY_EXPOSED"):
        CredentialFolder(studio).leaf(CLAIM)


def test_renewed_leaves_are_taken_up_by_whoever_reads_the_folder(studio: Path) -> None:
    folder = CredentialFolder(studio)
    before = folder.leaf(CLAIM)
    renew_credentials(studio)
    after = folder.leaf(CLAIM)

    assert before is not None
    assert after is not None
    assert before.chain[0] != after.chain[0]
    assert before.chain[1] == after.chain[1]
    assert stat.S_IMODE((studio / "claim.key").stat().st_mode) == 0o600


def test_a_key_of_another_certificate_is_refused_and_signs_nothing(root: Path, studio: Path, tmp_path: Path) -> None:
    issue_credentials(root, "agency", tmp_path / "agency")
    (studio / "claim.pem").write_bytes((tmp_path / "agency" / "claim.pem").read_bytes())

    with pytest.raises(NodeError, match="another key"):
        CredentialFolder(studio).leaf(CLAIM)


def test_what_is_not_there_or_not_in_force_signs_nothing(studio: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(authorities, "BEFORE_NOW", timedelta(days=400))
    renew_credentials(studio)

    assert CredentialFolder(studio).leaf(CLAIM) is None
    assert CredentialFolder(studio / "nothing").leaf(STAMP) is None
    assert [one.days_left < 0 for one in shown(studio, datetime.now(UTC))] == [False, True, False]


@pytest.mark.parametrize("country", ["D", "DEU", "D1", "D\u00c9"])
def test_a_country_is_two_letters(country: str, tmp_path: Path) -> None:
    with pytest.raises(NodeError, match="ISO 3166"):
        found_authority(tmp_path, "Consortium", country)
