"""Random histories: a market in which anything is tried, and every other action of the ledger beside it."""

from __future__ import annotations

from typing import Any

from attested import CODE, MODEL, a_record
from consortium import (
    State,
    a_digest,
    a_genesis,
    key_of,
    listing,
    minted,
    owner,
    registering,
    royalty,
    trading_terms,
)  # fmt: skip
from hypothesis import strategies as st
from msgspec import UNSET

from ledger import actions, records
from ledger.execution.claim import commitment_to
from ledger.execution.holding import token_id
from ledger.execution.scope import policy_names
from ledger.execution.view import Ledger
from ledger.generation import WithheldSetting
from ledger.governance import SetParameters
from ledger.node_certificate import make_certificate
from ledger.viewing import ViewerKey
from remarque.directories import directory_of

ALICE, BOB, CAROL, ROOT = "alice@studio", "bob@agency", "carol@club", "root@studio"
GENERATOR, NOTARY, CLUB = "gen@studio", "notary@studio", "root@club"
HOUR = 3_600_000
DIRECTORY = directory_of(())[0]


def offering(state: State, token: str, price: int, **changes: Any) -> actions.MakeOffer:
    parts = {"token": token, "price": price, "currency": "EUR", "until_ms": state.time_ms + HOUR} | changes
    return actions.MakeOffer(**parts)


def accepting(token: str, price: int, buyer: str = BOB, currency: str = "EUR") -> actions.AcceptOffer:
    return actions.AcceptOffer(token=token, buyer=buyer, price=price, currency=currency)


def auctioning(state: State, token: str, **changes: Any) -> actions.OpenAuction:
    parts = {"reserve": 100, "increment": 10, "currency": "EUR", "until_ms": state.time_ms + HOUR} | changes
    return actions.OpenAuction(token=token, **parts)


def bidding(token: str, price: int, **changes: Any) -> actions.PlaceBid:
    return actions.PlaceBid(**({"token": token, "price": price, "currency": "EUR"} | changes))


SHARED = "base tx.price; pay 10% to asset.creators by weight; fallback 0.50 EUR;"
DEAR = "first on primary_sale {{ base tx.price; pay {} to asset.creators by weight; payer buyer; }}"


SPRING = "spring@studio"
NAMES = ("a", "b", "collected", "numbered", "numbered")
NUMBERS = (None, None, None, 1, 2)
POLICIES = {
    "closed": ("forbid sale as takedown when true;",),
    "dear": ("", DEAR.format("30%"), *(f"{on} on {on} {{ {SHARED} }}" for on in ("rental", "swap", "derivative_mint"))),
    "gifted": ("", f"gift on gift {{ {SHARED} payer buyer; }}", f"licence on licence {{ {SHARED} payer buyer; }}"),
}
KINDS = 28
STEPS = st.lists(
    st.tuples(
        st.integers(0, KINDS - 1), st.integers(0, 3), st.integers(0, 3), st.integers(0, 4), st.integers(1, 3_000)
    ),
    min_size=1, max_size=45,
)  # fmt: skip


def a_market(state: State | None = None) -> tuple[State, list[str]]:
    """Tokens with royalties of their own, in a collection and numbered; policies to put in force; something secret."""
    state = State(a_genesis()) if state is None else state
    for name, (rules, *clauses) in POLICIES.items():
        assert state.do(ALICE, trading_terms(name, *clauses, rules=rules)).code == "OK"
    for name in "ab":
        minted(state, name, royalty=royalty(99_999, alice=500_001, bob=499_999))
    collected, numbered = (a_digest(name) for name in ("collected", "numbered"))
    joining = actions.AddToCollection(collection=SPRING, asset=collected)
    made = state.do(
        ALICE,
        *(actions.CreateCollection(collection=SPRING), registering("collected"), joining),
        *(registering("numbered"), registering("secret", confidential=True)),
        *(actions.MintToken(asset=collected), actions.MintToken(asset=numbered, editions=2)),
    )
    assert made.code == "OK"
    return state, [token_id(a_digest(name), number) for name, number in zip(NAMES, NUMBERS, strict=True)]


AIMED = {
    "offer": {1, 2, 3},
    "auction": {5, 6, 7, 8, 9},
    "listing": {12, 13},
    "sale": {21},
    "rental": {17},
}
"""Steps that come to nothing but where there is a record of this kind; they are about a token that has one."""


def aimed_at(state: State, tokens: list[str], kind: int, which: int) -> str:
    """The token that a step is about."""
    prefix = next((prefix for prefix, kinds in AIMED.items() if kind in kinds), "token")
    found = [one for one in tokens if next(state.keys(f"{prefix}/{one}"), None)] or tokens
    return found[which % len(found)]


def wanted_of(
    state: State, tokens: list[str], accounts: list[str], step: tuple[int, ...]
) -> tuple[list[str], list[Any]]:
    """Who signs what in a step of a history."""
    kind, who, other, which, amount = step
    signer, to = accounts[who], accounts[other]
    token = aimed_at(state, tokens, kind, which)
    ledger, name = Ledger(state), NAMES[tokens.index(token)]
    asset, until = a_digest(name), state.time_ms + 5_000 * (1 + amount % 8)
    another = tokens[(which + 1) % len(tokens)]
    held, yours = owner(state, token), owner(state, another)
    holders = [owner(state, one) for one, other_name in zip(tokens, NAMES, strict=True) if other_name == name]
    offers = list(state.keys(f"offer/{token}/"))
    offer = ledger.find(offers[who % len(offers)], records.Offer) if offers else None
    auction = ledger.find(records.auction_key(token), records.Auction)
    listed = ledger.find(records.listing_key(token), records.Listing)
    sold = ledger.find(records.sale_key(token), records.Sale)
    rental = ledger.find(records.rental_key(token), records.Rental)
    buyer, offered = (to, amount) if offer is None else (offer.buyer, offer.price)
    bid = amount if auction is None else auction.least + amount // 10
    bidder = signer if auction is None or auction.bidder is UNSET else auction.bidder
    user, seller = held if rental is None else rental.user, held if sold is None else sold.seller
    price = amount if listed is None else listed.price
    seen: Any = " ".join(policy_names(ledger, ledger.asset(asset))) if amount % 5 else UNSET
    theirs = ledger.asset(a_digest(NAMES[tokens.index(another)]))
    seen_too: Any = " ".join(policy_names(ledger, theirs)) if amount % 5 else UNSET
    policy: dict[str, Any] = {"policy": sorted(POLICIES)[amount % 3], "version": 1}
    eur = actions.Price(amount=amount, currency="EUR")
    deal: dict[str, Any] = {"token": token, "price": amount, "currency": "EUR"}
    secret, new = a_digest("secret"), registering(f"new {state.height}")
    standing = actions.ResumeAccount if amount % 3 else actions.SuspendAccount
    wanted: list[tuple[list[str], list[Any]]] = [
        ([signer], [actions.MakeOffer(**deal, until_ms=until, terms=seen)]),
        ([signer], [actions.WithdrawOffer(token=token, buyer=buyer)]),
        ([held], [accepting(token, offered, buyer)]),
        ([held, user], [accepting(token, offered, buyer)]),
        ([held], [auctioning(state, token, until_ms=until, extension_ms=amount)]),
        ([signer], [bidding(token, bid, terms=seen)]),
        ([signer], [bidding(token, bid, terms="asset_default@1")]),
        ([signer], [actions.SettleAuction(token=token)]),
        ([bidder], [actions.SettleAuction(token=token, terms=seen)]),
        ([held], [actions.CancelAuction(token=token)]),
        ([*holders, ALICE], [actions.SetPolicy(asset=asset, **policy)]),
        ([held], [listing(state, token, amount)]),
        ([held], [actions.UnlistToken(token=token)]),
        ([signer], [actions.BuyToken(token=token, price=price, currency="EUR", terms=seen)]),
        ([held, to], [actions.SellToken(**deal, to=to, terms=seen)]),
        (["root@club" if to == CAROL else ROOT], [standing(account=to)]),
        ([held, to], [actions.TransferToken(token=token, to=to, terms=seen)]),
        ([held, to, user], [actions.TransferToken(token=token, to=to, terms=seen)]),
        (
            [held, yours],
            [actions.SwapTokens(token=token, for_token=another, value=eur, terms=seen, for_terms=seen_too)],
        ),
        ([held, to], [actions.RentToken(token=token, to=to, until_ms=until, price=eur, terms=seen)]),
        ([held], [actions.RentToken(token=token, to=to, until_ms=until)]),
        ([seller, held], [actions.RefundSale(token=token)]),
        ([ALICE], [actions.SetOrgPolicy(**policy)]),
        ([ALICE], [actions.SetCollectionPolicy(collection=SPRING, **policy)]),
        ([ALICE, to], [actions.GrantAccess(asset=secret, account=to, until_ms=until, price=eur, terms=seen)]),
        ([signer, held], [new, actions.DeriveAsset(asset=new.pixel_digest, parents=(asset,), value=eur)]),
        ([signer], [actions.Pay(to=to, currency="EUR", amount=amount)]),
        ([signer, held], [actions.Pay(to=held, currency="EUR", amount=1), actions.TransferToken(token=token, to=to)]),
    ]
    assert len(wanted) == KINDS
    signers, asks = wanted[kind]
    return list(dict.fromkeys(signers)), asks


def asking(state: State, account: str, asset: str, *, shown: bool) -> actions.RequestAccess:
    """A request to see a picture, oneself or through a node."""
    reader_key = "ab" * 32
    said = ViewerKey(chain=state.genesis.chain, node="node1", asset=asset, account=account, reader_key=reader_key)
    viewer = actions.Viewer(node="node1", signature=said.signed(key_of("node1")))
    return actions.RequestAccess(asset=asset, reader_key=reader_key, purpose="", viewer=viewer if shown else UNSET)


OTHERS = 43


def others_of(state: State, step: tuple[int, ...]) -> tuple[list[str], list[Any]]:
    """Who signs what in a step that is no trade: accounts, votes, nodes, records, disputes, access and statements."""
    kind, _, other, _, amount = step
    to, at, until = (ALICE, BOB, CAROL, ROOT)[other], state.height, state.time_ms + HOUR
    ledger, secret, fresh = Ledger(state), a_digest("secret"), f"new {state.height}"
    spares = [name for key in state.keys(records.account_key("spare")) if unchanged(ledger, name := key[8:])]
    spare = spares[-1] if spares else ROOT
    licences = [key.partition("/")[2] for key in state.keys("licence/")]
    licence = licences[amount % len(licences)] if licences else a_digest("none")
    offers = [key.rpartition("/")[2] for key in state.keys("licence_offer/")] or [a_digest("none")]
    seen = " ".join(policy_names(ledger, ledger.asset(secret)))
    cents = actions.Price(amount=20, currency="EUR")
    found = ledger.find(records.licence_key(licence), records.Licence)
    licensee = to if found is None else found.to if "@" in found.to else BOB
    licensed: dict[str, Any] = {"asset": secret, "licence": licence}
    key = key_of(f"key {at}").public
    proposals = [key.partition("/")[2] for key in state.keys("proposal/")]
    watchers = [key.partition("/")[2] for key in state.keys(records.node_key("watcher"))]
    watcher = key_of(f"watcher {at}")
    certificate = make_certificate(watcher).hex()
    about = {"pixel_digest": a_digest(f"made {at}"), "file_digest": a_digest(f"file {at}")}
    hidden = (WithheldSetting(field="prompt", readers=(BOB,)), WithheldSetting(field="seed"))
    made = a_record(state, request={"nonce": f"{at:032x}", "withheld": hidden}, attestation=about)
    requests = [key.partition("/")[2] for key in state.keys(records.disclosure_key(""))]
    told = requests[-1] if requests else key
    later = a_record(state, attestation={"pixel_digest": a_digest("later"), "file_digest": a_digest("later file")})
    declared = registering("later", file_digest=a_digest("later file"), width=128, height=128, image_code=CODE)
    salt = "5a" * 32
    statements = {"request": later.request, "request_signature": later.request_signature,
                  "attestation": later.attestation, "attestation_signature": later.attestation_signature}  # fmt: skip
    adding, sealed = actions.AddKey(key=key), actions.SealedKey(node="node2", sealed="00" * 80)
    checker = ("model-provider", "rights-manager", "fact-checker")
    put: dict[str, Any] = {"policy": "closed" if amount % 7 == 0 else "gifted", "version": 1}
    wanted: list[tuple[list[str], list[Any]]] = [
        ([ROOT], [actions.EnrolAccount(account=f"spare{at}@studio", key=key_of(f"spare{at}@studio").public, roles=())]),
        ([to], [adding]),
        ([to], [adding, actions.RevokeKey(account=to, key=key)]),
        ([spare], [actions.RotateKey(old=key_of(spare).public, new=key)]),
        ([ROOT], [actions.RecoverAccount(account=spare, key=key)]),
        ([ROOT], [actions.SetRoles(account=ALICE, roles=checker)]),
        ([ROOT], [actions.Propose(changes=(SetParameters(open_reads=amount % 2 == 0),), until_ms=until)]),
        ([CLUB], [actions.CastVote(proposal=proposals[-1] if proposals else key, approve=amount % 3 > 0)]),
        ([CLUB], [actions.AddNode(node=f"watcher{at}", key=watcher.public, certificate=certificate)]),
        ([CLUB], [actions.RemoveNode(node=watchers[-1] if watchers else "watcher")]),
        ([CLUB], [actions.SetNodeAddress(node=watchers[-1] if watchers else "node3", address=f"10.0.0.1:{7100 + at}")]),
        ([ALICE], [actions.RegisterModel(model=MODEL, name="m", version="1", licence="")]),
        ([GENERATOR], [made]),
        ([BOB], [declared]),
        ([GENERATOR], [actions.AttestAsset(**statements)]),
        ([ALICE], [actions.DisputeAsset(asset=secret, reason="altered", evidence=key)]),
        ([ALICE], [actions.WithdrawDispute(asset=secret)]),
        ([ROOT], [actions.CreateCurrency(currency=("USD", "GBP", "CHF")[amount % 3], decimals=2)]),
        ([ROOT], [actions.IssueCurrency(currency="USD", to=to, amount=amount)]),
        ([to], [actions.RedeemCurrency(currency="EUR", amount=1)]),
        ([ROOT], [actions.SuspendAccount(account=GENERATOR), actions.ResumeAccount(account=GENERATOR)]),
        ([ALICE], [trading_terms("more", version=at + 1)]),
        ([CAROL], [actions.CreateCollection(collection=f"c{at}@club"), registering(fresh),
                   actions.AddToCollection(collection=f"c{at}@club", asset=a_digest(fresh))]),
        ([ALICE], [actions.RevokeAccess(asset=secret, account=to)]),
        ([ALICE], [actions.GrantAccess(asset=secret, account=to, until_ms=until)]),
        ([to], [asking(state, to, secret, shown=amount % 2 == 0)]),
        ([ALICE], [actions.ResealAsset(asset=secret, sealed_keys=(sealed,))]),
        ([ALICE], [actions.GrantLicence(asset=secret, to=(to, "agency")[amount % 2], uses=("view", "publish"), times=2,
                                        exclusive=amount % 5 == 0)]),
        ([ALICE], [actions.RevokeLicence(**licensed)]),
        ([ALICE], [actions.OfferLicence(asset=secret, uses=("view",), price=cents, until_ms=until)]),
        ([ALICE], [actions.WithdrawLicenceOffer(asset=secret, offer=offers[0])]),
        ([(BOB, CAROL)[amount % 2]], [actions.BuyLicence(asset=secret, offer=offers[-1], price=cents, terms=seen)]),
        ([licensee], [actions.UseLicence(**licensed),
                      actions.RequestAccess(**licensed, reader_key="ab" * 32, purpose="x")]),
        ([to], [actions.CommitAsset(commitment=commitment_to(to, a_digest("committed"), key))]),
        ([to], [actions.CommitAsset(commitment=commitment_to(to, a_digest("committed"), salt))]),
        ([to], [registering("committed", salt=salt)]),
        ([NOTARY], [actions.RegisterStatement(digest=a_digest(fresh), issuer=to, subject="x")]),
        ([ROOT], [actions.ArchiveContent(root=DIRECTORY, piece=a_digest("piece"), size=1_000, files=2, place=fresh)]),
        ([to], [registering(fresh), actions.MintToken(asset=a_digest(fresh))]),
        ([to], [registering(fresh), actions.MintToken(asset=a_digest(fresh), editions=2 + amount % 9)]),
        ([ALICE], [registering(fresh), actions.SetPolicy(asset=a_digest(fresh), **put)]),
        ([BOB], [actions.DiscloseSettings(request=told, fields=("prompt",), readers=(to,) if amount % 3 else UNSET)]),
        ([BOB], [actions.EraseSettings(request=told, fields=("seed", "prompt") if amount % 5 else ("steps",))]),
    ]  # fmt: skip
    assert len(wanted) == OTHERS
    return wanted[kind]


def unchanged(ledger: Ledger, account: str) -> bool:
    """Whether an account still has the key that its name always has in tests."""
    return key_of(account).public in ledger.account(account).keys_in_force
