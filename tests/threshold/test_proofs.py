"""The one proof that everything here uses."""

from __future__ import annotations

from ceremonies import chance

from threshold.group import G_BAR, ORDER, G, Scalar
from threshold.proofs import LogarithmProof, prove

X = Scalar.draw(chance("x"))
CLAIMS = (G, G * X), (G_BAR, G_BAR * X)


def test_a_proof_holds_for_its_claims_statement_and_tag_alone() -> None:
    proof = prove("test", X, CLAIMS, b"a", b"b", random=chance("proof"))

    assert proof.holds("test", CLAIMS, b"a", b"b")
    assert LogarithmProof.read(proof.e.encoded, proof.f.encoded).holds("test", CLAIMS, b"a", b"b")
    assert not proof.holds("other", CLAIMS, b"a", b"b")
    for statement in ((b"a",), (b"ab",), (b"b", b"a"), (b"a", b"b", b""), (b"a", b"c")):
        assert not proof.holds("test", CLAIMS, *statement)
    for claims in (CLAIMS[:1], CLAIMS[::-1], ((G, G * X), (G_BAR, G * X)), ((G, G), (G_BAR, G_BAR))):
        assert not proof.holds("test", claims, b"a", b"b")


def test_two_proofs_with_the_same_chance_do_not_reveal_the_secret() -> None:
    """With one nonce for two challenges, x = (f - f') / (e - e')."""
    one, other = (prove("test", X, CLAIMS, statement, random=chance("same")) for statement in (b"a", b"b"))
    difference = int.from_bytes((one.e - other.e).encoded, "little")

    assert one != other
    assert (one.f - other.f) * Scalar.of(pow(difference, -1, ORDER)) != X


def test_a_proof_shows_nothing_that_repeats() -> None:
    one, other = (prove("test", X, CLAIMS, b"a", random=chance(name)) for name in ("one", "other"))

    assert one.e != other.e
    assert one.f != other.f
