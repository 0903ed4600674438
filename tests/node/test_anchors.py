"""Whose credentials are trusted is brought up to date by a copy into a folder."""

from __future__ import annotations

from pathlib import Path

from credentialed import the_studio

from node.verification.anchors import Anchors


def test_a_list_is_read_anew_when_it_changes(tmp_path: Path) -> None:
    anchors, root, issuing = Anchors(tmp_path), the_studio().root, the_studio().issuing

    assert anchors.pem() == ""
    (tmp_path / "b.pem").write_text(root)
    assert anchors.pem() == root
    (tmp_path / "a.pem").write_text("# a provider\n" + issuing.rstrip())
    assert anchors.pem() == issuing + root
    (tmp_path / "b.pem").unlink()
    assert anchors.pem() == issuing


def test_what_is_no_certificate_takes_no_others_with_it(tmp_path: Path) -> None:
    junk = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"
    (tmp_path / "a.pem").write_text(junk + the_studio().root + "\xff\n", encoding="latin-1")
    (tmp_path / "readme.txt").write_text(the_studio().issuing)

    assert Anchors(tmp_path).pem() == the_studio().root


def test_a_folder_that_is_not_there_is_an_empty_one(tmp_path: Path) -> None:
    assert Anchors(tmp_path / "none").pem() == ""
