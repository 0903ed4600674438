"""Making a key together, and sharing it anew among others: Pedersen's protocol with Feldman's commitments.

Every dealer gives one `Dealing`: a polynomial, committed to, with its value for every holder sealed to that holder.
A holder that is given a value which the commitments do not fit complains (`complaint`), and everybody judges alike.
The dealings that are left make the key: a holder's secret share is the sum of what it was dealt. To share a key anew,
t or more of its holders deal their secret shares, and what they dealt is weighted so that the key stays.

Whatever carries the messages has to show them to everybody, each once and in one order: a ledger does.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from threshold.ceremony import Ceremony
from threshold.errors import ThresholdCode, ThresholdError, require
from threshold.group import Element, G, Random, Scalar, words
from threshold.key import ThresholdKey
from threshold.proofs import LogarithmProof, prove
from threshold.sharing import commit, draw_polynomial, lagrange, value_at, weighted

HEAD_BYTES = 3
POSSESSION, KNOWLEDGE = "dealing possession", "dealing knowledge"


@dataclass(frozen=True, slots=True)
class Dealing:
    """What one dealer says to all, at once."""

    dealer: int
    commitments: tuple[Element, ...]
    """A_k, the commitments to the t coefficients, from the constant one."""
    ephemeral: Element
    """E = G * ε, of which every holder key makes a point that only its holder and the dealer know."""
    sealed: tuple[Scalar, ...]
    """For every holder its share and a mask, added; the mask is a hash of that point."""
    possession: LogarithmProof
    """That the dealer knows the secret it deals, so that A_0 is not made out of others' commitments."""
    knowledge: LogarithmProof
    """That it knows ε, so that a complaint about it cannot reveal a point of another's dealing."""

    @property
    def body(self) -> bytes:
        """What both proofs are made for."""
        return _body(self.dealer, self.commitments, self.ephemeral, self.sealed)

    def to_bytes(self) -> bytes:
        """dealer, t, n (a byte each), A_0 to A_(t-1), E, the n sealed shares, and e and f of both proofs."""
        return self.body + self.possession.to_bytes() + self.knowledge.to_bytes()

    @classmethod
    def from_bytes(cls, encoded: bytes) -> Dealing:
        """MESSAGE_MALFORMED unless the bytes are those of a dealing, of whatever ceremony."""
        dealer, t, n = encoded[:HEAD_BYTES].ljust(HEAD_BYTES, b"\x00")
        told = words(encoded, HEAD_BYTES, t + 1 + n + 4)
        return cls(
            dealer=dealer,
            commitments=tuple(Element.read(one) for one in told[:t]),
            ephemeral=Element.read(told[t]),
            sealed=tuple(Scalar.read(one) for one in told[t + 1 : -4]),
            possession=LogarithmProof.read(*told[-4:-2]),
            knowledge=LogarithmProof.read(*told[-2:]),
        )


def deal(ceremony: Ceremony, dealer: int, random: Random, secret: Scalar | None = None) -> Dealing:
    """Deal a secret drawn now or, to share a key anew, the dealer's secret share of it."""
    polynomial = draw_polynomial(secret or Scalar.draw(random), ceremony.threshold, random)
    return deal_values(ceremony, dealer, polynomial, random)


def deal_values(ceremony: Ceremony, dealer: int, polynomial: Sequence[Scalar], random: Random) -> Dealing:
    """Deal the values of a polynomial, whose constant coefficient is the secret."""
    epsilon = Scalar.draw(random)
    commitments, ephemeral = commit(polynomial), G * epsilon
    sealed = tuple(
        value_at(polynomial, index) + _mask(ceremony, dealer, index, ephemeral, holder * epsilon)
        for index, holder in enumerate(ceremony.holders, 1)
    )
    statement = ceremony.digest, _body(dealer, commitments, ephemeral, sealed)
    possession = prove(POSSESSION, polynomial[0], [(G, commitments[0])], *statement, random=random)
    knowledge = prove(KNOWLEDGE, epsilon, [(G, ephemeral)], *statement, random=random)
    return Dealing(dealer, commitments, ephemeral, sealed, possession, knowledge)


def check_dealing(ceremony: Ceremony, dealing: Dealing) -> None:
    """DEALING_INVALID unless everybody may take the dealing for its dealer's; what is sealed, each holder checks."""
    for holds, rule in (
        (1 <= dealing.dealer <= ceremony.dealers, f"dealers have the indices 1 to {ceremony.dealers}"),
        (len(dealing.commitments) == ceremony.threshold, f"a dealing has {ceremony.threshold} commitments"),
        (len(dealing.sealed) == len(ceremony.holders), f"a dealing has {len(ceremony.holders)} sealed shares"),
    ):
        require(holds, ThresholdCode.DEALING_INVALID, rule)
    if ceremony.former:
        own = ceremony.former.verification[dealing.dealer - 1]
        kept = dealing.commitments[0] == own
        require(kept, ThresholdCode.DEALING_INVALID, "whoever shares a key anew deals its secret share of it")
    statement = ceremony.digest, dealing.body
    possessed = dealing.possession.holds(POSSESSION, [(G, dealing.commitments[0])], *statement)
    known = dealing.knowledge.holds(KNOWLEDGE, [(G, dealing.ephemeral)], *statement)
    require(possessed and known, ThresholdCode.DEALING_INVALID, "a proof does not hold for this dealing and ceremony")


def open_share(ceremony: Ceremony, dealing: Dealing, index: int, holder_secret: Scalar) -> Scalar:
    """What a holder is dealt. SECRET_SHARE_WRONG if it is not what the dealer committed to: then complain."""
    share = unmask(ceremony, dealing, index, dealing.ephemeral * holder_secret)
    if not fits(dealing, index, share):
        text = f"dealer {dealing.dealer} sealed to holder {index} another share than it committed to; complain"
        raise ThresholdError(ThresholdCode.SECRET_SHARE_WRONG, text)
    return share


def unmask(ceremony: Ceremony, dealing: Dealing, index: int, shared: Element) -> Scalar:
    """What is sealed to a holder, by the point that its holder key makes of the dealing's ephemeral."""
    return dealing.sealed[index - 1] - _mask(ceremony, dealing.dealer, index, dealing.ephemeral, shared)


def fits(dealing: Dealing, index: int, share: Scalar) -> bool:
    """Whether a share is what the dealer committed to for this holder."""
    return G * share == value_at(dealing.commitments, index)


def conclude(ceremony: Ceremony, dealings: Sequence[Dealing]) -> ThresholdKey:
    """The key that dealings make, each checked and none convicted. DEALINGS_TOO_FEW if they make none."""
    weights = _weights(ceremony, dealings)
    columns = zip(*(dealing.commitments for dealing in dealings), strict=True)
    commitments = [weighted(column, weights) for column in columns]
    verification = tuple(value_at(commitments, index) for index in range(1, len(ceremony.holders) + 1))
    return ThresholdKey(ceremony.epoch, ceremony.threshold, commitments[0], verification)


def secret_share(ceremony: Ceremony, dealings: Sequence[Dealing], index: int, holder_secret: Scalar) -> Scalar:
    """A holder's secret share of the key that `conclude` makes of the same dealings. Keep it; destroy the former."""
    dealt = [open_share(ceremony, dealing, index, holder_secret) for dealing in dealings]
    return weighted(dealt, _weights(ceremony, dealings))


def _weights(ceremony: Ceremony, dealings: Sequence[Dealing]) -> list[Scalar]:
    dealers = [dealing.dealer for dealing in dealings]
    enough = len(dealers) == len(set(dealers)) >= ceremony.dealings_min
    text = f"a key needs {ceremony.dealings_min} dealings of different dealers, these are by {dealers}; wait for more"
    require(enough, ThresholdCode.DEALINGS_TOO_FEW, text)
    return lagrange(dealers) if ceremony.former else [Scalar.of(1)] * len(dealers)


def _mask(ceremony: Ceremony, dealer: int, index: int, ephemeral: Element, shared: Element) -> Scalar:
    points = ephemeral, ceremony.holders[index - 1], shared
    return Scalar.hash("mask", ceremony.digest, bytes([dealer, index]), *(point.encoded for point in points))


def _body(dealer: int, commitments: Sequence[Element], ephemeral: Element, sealed: Sequence[Scalar]) -> bytes:
    head = bytes([dealer, len(commitments), len(sealed)])
    told: tuple[Element | Scalar, ...] = (*commitments, ephemeral, *sealed)
    return head + b"".join(word.encoded for word in told)
