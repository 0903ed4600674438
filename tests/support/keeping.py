"""Keepers of three orgs or more, who make the consortium's key on a chain in memory, and may lie."""

from __future__ import annotations

from typing import Any

from ceremonies import chance, lying, secrets_of
from consortium import CID, ROLES, State, a_digest, a_genesis, key_of
from governed import ADMINISTRATORS, DAY_MS, decided

from ledger import actions
from ledger.block import Outcome
from ledger.capsules import label_of
from ledger.encoding import decode
from ledger.execution.ceremony import ceremony_of, dealers_of, dealings_of, keeper_name, shared_key
from ledger.execution.view import Ledger
from ledger.genesis import GenesisAccount
from ledger.governance import BeginCeremony
from ledger.records import CEREMONY, SHARED_KEY, Keeper, KeyCeremony, SharedKey, keeper_key
from threshold import (
    Ceremony,
    Complaint,
    Dealing,
    Scalar,
    ThresholdKey,
    complain,
    deal,
    encapsulate,
    holder_key,
    open_share,
    secret_share,
)
from threshold.sharing import draw_polynomial

STUDIO, AGENCY, CLUB, SPARE = "keeper@studio", "keeper@agency", "keeper@club", "spare@club"
KEEPERS = (STUDIO, AGENCY, CLUB)
SECRETS = dict(zip((*KEEPERS, SPARE), secrets_of("keepers", 4), strict=True))


class Keepers:
    """A governed consortium with enrolled keepers."""

    def __init__(self, kind: type[State] = State) -> None:
        """`kind`: of the state in which their chain is."""
        roles = ROLES | {"root@agency": ("administrator",)} | dict.fromkeys(SECRETS, ("keeper",))
        accounts = tuple(
            GenesisAccount(name=name, key=key_of(name).public, roles=held) for name, held in sorted(roles.items())
        )
        self.state = kind(a_genesis(accounts=accounts))
        self.shares: dict[str, Scalar] = {}
        """What each keeper holds of the newest key."""
        for keeper in SECRETS:
            assert self.enrol(keeper).code == "OK"

    @property
    def ledger(self) -> Ledger:
        return Ledger(self.state)

    @property
    def record(self) -> KeyCeremony:
        return decode(self.state.get(CEREMONY) or b"", KeyCeremony)

    @property
    def shared(self) -> SharedKey:
        found = shared_key(self.ledger, self.ledger.find(SHARED_KEY, int) or 0)
        assert found is not None
        return found

    @property
    def key(self) -> ThresholdKey:
        return ThresholdKey.from_bytes(bytes.fromhex(self.shared.key))

    def enrol(self, keeper: str, secret: Scalar | None = None, name: str = "") -> Outcome:
        bound = keeper_name(self.state.genesis.chain, name or keeper)
        key = holder_key(secret or SECRETS[keeper], bound, chance(f"enrol {keeper}"))
        return self.state.do(keeper, actions.EnrolKeeper(holder_key=key.to_bytes().hex()))

    def begin(self, *keepers: str, **said: Any) -> Outcome:
        for keeper in keepers or KEEPERS:
            if keeper in SECRETS and self.ledger.find(keeper_key(keeper), Keeper) is None:
                self.enrol(keeper)
        return decided(self.state, BeginCeremony(keepers=keepers or KEEPERS, **said))

    def refused(self, *keepers: str, **said: Any) -> str:
        """Why a ceremony does not begin: its proposal is tried when it is made."""
        ask = actions.Propose(changes=(BeginCeremony(keepers=keepers, **said),), until_ms=self.state.time_ms + DAY_MS)
        return self.state.detail(ADMINISTRATORS["studio"], ask)

    def dealing(self, dealer: str) -> Dealing:
        """What an honest dealer says."""
        record, dealers = self.record, dealers_of(self.ledger, self.record)
        ceremony = ceremony_of(self.ledger, self.state.genesis.chain, record)
        secret = self.shares[dealer] if record.former_epoch else None
        return deal(ceremony, dealers.index(dealer) + 1, chance(f"{record.id} {dealer}"), secret)

    def lie(self, dealer: str, victim: int) -> Dealing:
        """A dealing in which one keeper is sealed another share than the dealer committed to; its proofs hold."""
        ceremony = ceremony_of(self.ledger, self.state.genesis.chain, self.record)
        place = dealers_of(self.ledger, self.record).index(dealer) + 1
        return false_dealing(ceremony, place, victim)

    def deal(self, dealer: str, dealing: Dealing | None = None) -> Outcome:
        said = (dealing or self.dealing(dealer)).to_bytes().hex()
        return self.state.do(dealer, actions.DealShares(ceremony=self.record.id, dealing=said))

    def complaint(self, keeper: str, dealer: int) -> Complaint:
        ceremony = ceremony_of(self.ledger, self.state.genesis.chain, self.record)
        (dealing,) = (one for one in dealings_of(self.record) if one.dealer == dealer)
        place = [one.keeper for one in self.record.holders].index(keeper) + 1
        return complain(ceremony, dealing, place, SECRETS[keeper], chance("complaint"))

    def complain(self, keeper: str, dealer: int, complaint: Complaint | None = None) -> Outcome:
        said = (complaint or self.complaint(keeper, dealer)).to_bytes().hex()
        return self.state.do(keeper, actions.ComplainOfShare(ceremony=self.record.id, complaint=said))

    def confirm(self, keeper: str, *dealers: int) -> Outcome:
        """Open all that counts, keep the share, and say so."""
        record = self.record
        ceremony, dealings = ceremony_of(self.ledger, self.state.genesis.chain, record), dealings_of(record)
        place = [one.keeper for one in record.holders].index(keeper) + 1
        for dealing in dealings:
            open_share(ceremony, dealing, place, SECRETS[keeper])
        if len(dealings) >= ceremony.dealings_min:
            self.shares[keeper] = secret_share(ceremony, dealings, place, SECRETS[keeper])
        return self.state.do(keeper, actions.ConfirmShares(ceremony=record.id, dealers=dealers or record.good))

    def content(self, name: str, creator: str = "alice@studio", cid: str = CID, about: str = CID) -> actions.Content:
        """Content whose capsule is for one asset, creator and file."""
        label = label_of(self.state.genesis.chain, a_digest(name), creator, about)
        capsule, _ = encapsulate(self.key.public, label, chance(f"capsule of {name}"))
        held = actions.EncapsulatedKey(capsule=capsule.to_bytes().hex(), wrapped="00" * 48)
        return actions.Content(cid=cid, size=10, media_type="image/png", encapsulated=held)

    def end(self, keeper: str = STUDIO) -> Outcome:
        return self.state.do(keeper, actions.EndCeremony(ceremony=self.record.id))

    def wait(self, ms: int) -> None:
        """Let block time pass."""
        self.state.run(advance_ms=ms)

    def make(self, *keepers: str) -> list[Outcome]:
        """A whole ceremony of honest keepers."""
        assert self.begin(*keepers).code == "OK"
        dealt = [self.deal(one) for one in dealers_of(self.ledger, self.record)]
        return [*dealt, *(self.confirm(one.keeper) for one in self.record.holders)]


def false_dealing(ceremony: Ceremony, dealer: int, victim: int) -> Dealing:
    """A dealing in which one keeper is sealed another share than the dealer committed to; its proofs hold."""
    secret = Scalar.draw(chance("lie"))
    return lying(ceremony, dealer, draw_polynomial(secret, ceremony.threshold, chance("lie more")), victim)
