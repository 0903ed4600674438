"""How a consortium decides: who may propose and vote, when a proposal passes, and what each change does."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from consortium import START_MS, State, a_digest, a_genesis, key_of, registering
from governed import ADMINISTRATORS, DAY_MS, a_governed_state, decided, proposal_in, propose, vote
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from ledger import actions, records
from ledger.encoding import decode, encode
from ledger.errors import Code, LedgerError
from ledger.execution.changes import CHANGES
from ledger.execution.context import HANDLERS
from ledger.execution.policy import facts_for
from ledger.execution.view import Ledger
from ledger.genesis import Genesis
from ledger.governance import (
    ActivateProtocol,
    AddOrg,
    AnyChange,
    Replayed,
    ResumeOrg,
    SetConsortiumPolicy,
    SetParameters,
    SetReservedRoles,
    SuspendOrg,
    quorum,
)
from ledger.policy_source import SCHEMA
from ledger.records import CONSORTIUM_POLICY, Account, Org, Parameters, account_key, org_key
from ledger.version import ACTIVATION_NOTICE_BLOCKS, V1, ProtocolUnknown, ProtocolVersion, protocol_in

ROOT, BOB = ADMINISTRATORS["studio"], "bob@agency"
OPEN_READS = SetParameters(open_reads=True)
NEWCOMER = AddOrg(org="museum", title="The Museum", account="root@museum", key=key_of("root@museum").public)
V2 = ProtocolVersion(number=2, decision_fuel_max=20_000, expired_ids_per_block=64)


@pytest.fixture
def governed() -> State:
    return a_governed_state()


def parameters(state: State) -> Parameters:
    return decode(state.get(records.parameters_key()) or b"", Parameters)


def org(state: State, name: str) -> Org:
    return decode(state.get(org_key(name)) or b"", Org)


# Voting ------------------------------------------------------------------------------------------------------------


def test_more_than_half_of_the_orgs_decide_and_the_change_is_made_in_that_very_transaction(governed: State) -> None:
    proposal, proposed = propose(governed, OPEN_READS)
    after_one = (proposal_in(governed, proposal).status, parameters(governed).open_reads)
    voted = vote(governed, proposal, "agency")

    assert proposed.code == voted.code == "OK"
    assert after_one == ("open", False)
    assert parameters(governed).open_reads
    assert [type(event).__name__ for event in voted.events] == ["VoteCast", "ProposalPassed", "ParametersSet"]
    record = proposal_in(governed, proposal)
    assert (record.status, record.height_decided) == ("passed", governed.height)
    assert [(one.org, one.account, one.approve) for one in record.votes] == [
        ("studio", ROOT, True),
        ("agency", "root@agency", True),
    ]


@pytest.mark.parametrize(("orgs", "needed"), [(1, 1), (2, 2), (3, 2), (4, 3), (5, 3), (256, 129)])
def test_the_quorum_is_more_than_half(orgs: int, needed: int) -> None:
    assert quorum(orgs) == needed


def test_a_proposal_is_rejected_as_soon_as_it_cannot_pass_any_more(governed: State) -> None:
    proposal, _ = propose(governed, OPEN_READS)
    first = vote(governed, proposal, "agency", approve=False)
    still = proposal_in(governed, proposal).status
    last = vote(governed, proposal, "club", approve=False)

    assert (first.code, still, last.code) == ("OK", "open", "OK")
    assert proposal_in(governed, proposal).status == "rejected"
    assert [type(event).__name__ for event in last.events] == ["VoteCast", "ProposalRejected"]
    assert org(governed, "studio").proposals == ()


def test_an_org_votes_once_whoever_of_its_administrators_does(governed: State) -> None:
    enrol = actions.EnrolAccount(account="second@studio", key=key_of("second@studio").public, roles=("administrator",))
    governed.do(ROOT, enrol)
    proposal, _ = propose(governed, OPEN_READS)

    again = governed.do("second@studio", actions.CastVote(proposal=proposal, approve=True))

    assert again.code == "VOTE_EXISTS"
    assert len(proposal_in(governed, proposal).votes) == 1


@pytest.mark.parametrize("approve", [True, False])
def test_votes_after_the_end_are_refused_and_the_record_says_expired_once_the_org_proposes_again(
    governed: State, approve: bool
) -> None:
    proposal, _ = propose(governed, OPEN_READS, until_ms=governed.time_ms + 5_000)
    governed.run(advance_ms=10_000)

    assert vote(governed, proposal, "agency", approve=approve).code == "PROPOSAL_ENDED"
    assert proposal_in(governed, proposal).status_at(governed.time_ms) == "expired"
    again, outcome = propose(governed, OPEN_READS)
    assert outcome.code == "OK"
    assert proposal_in(governed, proposal).status == "expired"
    assert org(governed, "studio").proposals == (again,)


def test_a_vote_at_the_very_end_counts(governed: State) -> None:
    proposal, _ = propose(governed, OPEN_READS, until_ms=governed.time_ms + 2_000)

    assert vote(governed, proposal, "agency").code == "OK"


@pytest.mark.parametrize("approve", [True, False])
def test_what_is_decided_stays_decided(governed: State, approve: bool) -> None:
    proposal, _ = propose(governed, OPEN_READS)
    for name in ("agency", "club"):
        outcome = vote(governed, proposal, name, approve=approve)

    assert outcome.code == ("PROPOSAL_DECIDED" if approve else "OK")
    assert vote(governed, proposal, "club").code == "PROPOSAL_DECIDED"


def test_an_org_has_a_bounded_number_of_proposals_open_and_each_that_ends_makes_room(governed: State) -> None:
    asks = [SetParameters(proposals_open_max=number) for number in range(20, 28)]
    made = [propose(governed, ask, until_ms=governed.time_ms + 60_000) for ask in asks]
    ninth = propose(governed, OPEN_READS)[1]
    others = propose(governed, OPEN_READS, by="club")[1]
    vote(governed, made[0][0], "agency")
    after_one_passed = propose(governed, OPEN_READS)[1]

    assert [outcome.code for _, outcome in made] == ["OK"] * 8
    assert (ninth.code, others.code, after_one_passed.code) == ("PROPOSALS_FULL", "OK", "OK")


def test_proposals_of_one_transaction_have_ids_of_their_own(governed: State) -> None:
    asks = [actions.Propose(changes=(OPEN_READS,), until_ms=governed.time_ms + DAY_MS) for _ in range(2)]

    assert governed.do(ROOT, *asks).code == "OK"
    assert len(set(org(governed, "studio").proposals)) == 2


def with_roles(*roles: str) -> Genesis:
    """The test consortium, in which bob has these roles, and his org no administrator."""
    accounts = (replace(one, roles=roles) if one.name == BOB else one for one in a_genesis().accounts)
    return replace(a_genesis(), accounts=tuple(accounts))


def test_an_account_has_no_more_roles_than_rules_are_told_to_expect() -> None:
    state = State(with_roles(*"abcdefgh"))
    voted = SetReservedRoles(account=BOB, roles=("administrator", "issuer", "registrar"))
    assert vote(state, propose(state, voted)[0], "club").code == "OK"
    ledger = Ledger(state)
    state.do(BOB, registering("p"))

    facts = facts_for(ledger, 1, START_MS, ledger.asset(a_digest("p")), "view", None, BOB, {})

    assert len(facts["requester"]["roles"]) == SCHEMA.roots["requester"]["roles"].items == 11
    with pytest.raises(LedgerError):
        decode(encode(with_roles(*"abcdefghi")), Genesis)


def test_changes_are_made_all_or_none_and_a_failing_one_leaves_the_proposal_open(governed: State) -> None:
    both, _ = propose(governed, SuspendOrg(org="club"), OPEN_READS)
    reads, _ = propose(governed, OPEN_READS)
    vote(governed, reads, "agency")

    failed = governed.run(governed.transaction("root@agency", actions.CastVote(proposal=both, approve=True)))

    assert failed.outcomes[0].code == "CHANGE_FAILED"
    assert "change 1 (parameters.set) does not hold now: NOTHING_TO_CHANGE" in failed.details[0]
    assert not org(governed, "club").suspended
    assert (proposal_in(governed, both).status, len(proposal_in(governed, both).votes)) == ("open", 1)
    assert decided(governed, SetParameters(open_reads=False)).code == "OK"
    assert vote(governed, both, "agency").code == "OK"
    assert org(governed, "club").suspended


def test_suspended_orgs_neither_vote_nor_count(governed: State) -> None:
    assert decided(governed, SuspendOrg(org="club")).code == "OK"
    proposal, _ = propose(governed, OPEN_READS)

    assert vote(governed, proposal, "club").code == "ORG_SUSPENDED"
    assert proposal_in(governed, proposal).status == "open"
    assert vote(governed, proposal, "agency").code == "OK"
    assert parameters(governed).open_reads
    assert decided(governed, SuspendOrg(org="agency")).code == "OK"
    alone, outcome = propose(governed, ResumeOrg(org="agency"))
    assert (outcome.code, proposal_in(governed, alone).status) == ("OK", "passed")


def test_only_an_approving_vote_carries_a_proposal_out_and_who_approved_may_say_so_again(governed: State) -> None:
    """Two of four approve; then one is suspended, and two of three are enough."""
    decided(governed, NEWCOMER)
    proposal, _ = propose(governed, OPEN_READS)
    before = [vote(governed, proposal, "agency").code, vote(governed, proposal, "agency").code]
    suspension, _ = propose(governed, SuspendOrg(org="club"))
    vote(governed, suspension, "agency")
    governed.do("root@museum", actions.CastVote(proposal=suspension, approve=True))

    against = governed.do("root@museum", actions.CastVote(proposal=proposal, approve=False))
    after_that = (proposal_in(governed, proposal).status, parameters(governed).open_reads)
    changed_mind = [
        governed.do("root@museum", actions.CastVote(proposal=proposal, approve=True)).code,
        vote(governed, proposal, "agency", approve=False).code,
    ]
    again = vote(governed, proposal, "agency")

    assert (before, against.code, after_that) == (["OK", "VOTE_EXISTS"], "OK", ("open", False))
    assert changed_mind == ["VOTE_EXISTS", "VOTE_EXISTS"]
    assert [type(event).__name__ for event in again.events] == ["ProposalPassed", "ParametersSet"]
    assert (proposal_in(governed, proposal).status, parameters(governed).open_reads) == ("passed", True)
    assert [(one.org, one.approve) for one in proposal_in(governed, proposal).votes] == [
        ("studio", True),
        ("agency", True),
        ("museum", False),
    ]


# What is refused -----------------------------------------------------------------------------------------------------


def proposing(*changes: Any, until_ms: int = START_MS + DAY_MS) -> actions.Propose:
    return actions.Propose(changes=changes, until_ms=until_ms)


REFUSED: list[tuple[Code, str, Any]] = [
    (Code.ROLE_MISSING, "alice@studio", proposing(OPEN_READS)),
    (Code.ROLE_MISSING, "alice@studio", actions.CastVote(proposal=a_digest("p"), approve=True)),
    (Code.PROPOSAL_END_INVALID, ROOT, proposing(OPEN_READS, until_ms=START_MS)),
    (Code.PROPOSAL_END_INVALID, ROOT, proposing(OPEN_READS, until_ms=START_MS + 31 * DAY_MS)),
    (Code.PROPOSAL_UNKNOWN, ROOT, actions.CastVote(proposal=a_digest("p"), approve=True)),
]


@pytest.mark.parametrize(
    ("code", "signer", "ask"), REFUSED, ids=[f"{row[0].name}-{place}" for place, row in enumerate(REFUSED)]
)
def test_refused(governed: State, code: Code, signer: str, ask: Any) -> None:
    assert governed.do(signer, ask).code == code.name


def test_a_replay_is_about_the_policy_that_is_proposed_and_about_the_past(governed: State) -> None:
    governed.do("alice@studio", actions.PublishPolicy(source="policy calm version 1 schema remarque@1 { }"))
    counts = {"policy": "calm@1", "first": 1, "last": 1, "requests": 1, "decisions": 0, "different": 0}
    change = SetConsortiumPolicy(policy="calm", version=1)

    def proposed(change: AnyChange, **changes: Any) -> str:
        replay = Replayed(**(counts | changes), digest=a_digest("whole"))
        return governed.do(ROOT, replace(proposing(change), replay=replay)).code

    assert proposed(SetParameters(open_reads=True)) == Code.REPLAY_INVALID.name
    for wrong in ({"policy": "calm@2"}, {"last": 99}, {"first": 2}, {"different": 2}):
        assert proposed(change, **wrong) == Code.REPLAY_INVALID.name
    assert proposed(change) == "OK"


def test_a_proposal_sets_one_policy_for_all_assets_so_that_its_replay_is_of_the_one_that_binds(governed: State) -> None:
    for name in ("calm", "evil"):
        governed.do("alice@studio", actions.PublishPolicy(source=f"policy {name} version 1 schema remarque@1 {{ }}"))
    calm, evil = (SetConsortiumPolicy(policy=name, version=1) for name in ("calm", "evil"))
    counts = {"policy": "calm@1", "first": 1, "last": 1, "requests": 1, "decisions": 0, "different": 0}
    ask = replace(proposing(calm, evil), replay=Replayed(**counts, digest=a_digest("whole")))

    assert governed.do(ROOT, ask).code == Code.POLICY_PROPOSED_TWICE.name
    assert governed.do(ROOT, proposing(calm, calm)).code == Code.POLICY_PROPOSED_TWICE.name
    assert governed.do(ROOT, replace(ask, changes=(OPEN_READS, calm))).code == "OK"


CHANGES_REFUSED: list[tuple[str, AnyChange]] = [
    ("ORG_EXISTS", AddOrg(org="club", title="x", account="root@club", key=key_of("n").public)),
    ("ORG_MISMATCH", AddOrg(org="museum", title="x", account="root@club", key=key_of("n").public)),
    ("KEY_WEAK", AddOrg(org="museum", title="x", account="root@museum", key="00" * 32)),
    ("ORG_UNKNOWN", SuspendOrg(org="museum")),
    ("ORG_UNKNOWN", ResumeOrg(org="museum")),
    ("NOTHING_TO_CHANGE", ResumeOrg(org="club")),
    ("ACCOUNT_UNKNOWN", SetReservedRoles(account="eve@club", roles=("issuer",))),
    ("ROLE_RESERVED", SetReservedRoles(account="carol@club", roles=("generator",))),
    ("ADMINISTRATOR_EXISTS", SetReservedRoles(account="carol@club", roles=("administrator",))),
    ("NOTHING_TO_CHANGE", SetParameters()),
    ("NOTHING_TO_CHANGE", SetParameters(open_reads=False)),
    ("POLICY_UNKNOWN", SetConsortiumPolicy(policy="calm", version=1)),
    ("NOTHING_TO_CHANGE", SetConsortiumPolicy(policy="asset_default", version=1)),
    ("ACTIVATION_INVALID", ActivateProtocol(version=1, height=1_000)),
    ("ACTIVATION_INVALID", ActivateProtocol(version=2, height=ACTIVATION_NOTICE_BLOCKS)),
]


@pytest.mark.parametrize(
    ("code", "change"), CHANGES_REFUSED, ids=[f"{row[0]}-{place}" for place, row in enumerate(CHANGES_REFUSED)]
)
def test_a_change_that_does_not_hold_is_refused_when_it_is_proposed(
    governed: State, code: str, change: AnyChange
) -> None:
    before = {key: value for key, value in governed.values.items() if not key.startswith(records.SEEN_PREFIX)}

    result = governed.run(governed.transaction(ROOT, proposing(change)))

    after = {key: value for key, value in governed.values.items() if not key.startswith(records.SEEN_PREFIX)}
    assert result.outcomes[0].code == "CHANGE_FAILED"
    assert f"does not hold now: {code}: " in result.details[0]
    assert after == before


@pytest.mark.parametrize(
    ("name", "least", "most"),
    [
        ("block_transactions_max", 1, 10_000),
        ("block_bytes_max", 256 * 1024, 16 * 1024 * 1024),
        ("transaction_fuel_max", 200_000, 10_000_000),
        ("valid_ms_max", 60_000, 86_400_000),
        ("clock_ahead_ms_max", 1_000, 60_000),
        ("proposals_open_max", 1, 64),
        ("proposal_ms_max", 60_000, 31_536_000_000),
        ("rental_ms_max", 60_000, 315_360_000_000),
    ],
)
def test_a_parameter_is_bounded_on_both_sides(name: str, least: int, most: int) -> None:
    for value in (least, most):
        assert getattr(decode(encode(SetParameters(**{name: value})), SetParameters), name) == value
    for value in (least - 1, most + 1):
        with pytest.raises(LedgerError, match=f"MALFORMED.*{name}"):
            decode(encode(SetParameters(**{name: value})), SetParameters)


def test_every_parameter_can_be_set_and_every_change_has_its_function() -> None:
    assert set(SetParameters.__struct_fields__) == set(Parameters.__struct_fields__)
    assert set(CHANGES) == set(AnyChange.__args__)
    assert set(HANDLERS) == set(actions.AnyAction.__args__)


# What each change does -----------------------------------------------------------------------------------------------


def test_an_org_that_is_taken_in_can_act_and_counts(governed: State) -> None:
    assert decided(governed, NEWCOMER).code == "OK"

    enrol = actions.EnrolAccount(account="eve@museum", key=key_of("eve@museum").public)
    assert governed.do("root@museum", enrol).code == "OK"
    proposal, _ = propose(governed, OPEN_READS)
    assert vote(governed, proposal, "agency").code == "OK"
    assert proposal_in(governed, proposal).status == "open", "two of four are not more than half"
    assert governed.do("root@museum", actions.CastVote(proposal=proposal, approve=True)).code == "OK"
    assert proposal_in(governed, proposal).status == "passed"


def test_a_suspended_orgs_accounts_sign_nothing_until_it_is_resumed(governed: State) -> None:
    decided(governed, SuspendOrg(org="club"))
    refused = governed.do("carol@club", registering("p"))
    decided(governed, ResumeOrg(org="club"))

    assert refused.code == "ORG_SUSPENDED"
    assert governed.do("carol@club", registering("p")).code == "OK"


def test_the_last_org_that_can_act_is_not_suspended(governed: State) -> None:
    decided(governed, SuspendOrg(org="club"))
    decided(governed, SuspendOrg(org="agency"))

    result = governed.run(governed.transaction(ROOT, proposing(SuspendOrg(org="studio"))))

    assert result.outcomes[0].code == "CHANGE_FAILED"
    assert "LAST_ORG" in result.details[0]


def test_an_org_that_votes_itself_out_is_out_from_the_next_transaction_of_the_block_on(governed: State) -> None:
    proposal, _ = propose(governed, SuspendOrg(org="agency"))
    ballot = governed.transaction("root@agency", actions.CastVote(proposal=proposal, approve=True))
    late = governed.transaction("bob@agency", registering("late"))

    assert [one.code for one in governed.run(ballot, late).outcomes] == ["OK", "ORG_SUSPENDED"]


def test_reserved_roles_are_given_and_taken_by_vote_and_the_others_stay(governed: State) -> None:
    alice = SetReservedRoles(account="alice@studio", roles=("issuer",))
    assert decided(governed, alice).code == "OK"
    created = governed.do("alice@studio", actions.CreateCurrency(currency="CHF", decimals=2))
    held = decode(governed.get(account_key("alice@studio")) or b"", Account).roles
    assert decided(governed, SetReservedRoles(account="alice@studio", roles=())).code == "OK"

    assert (created.code, held) == ("OK", ("issuer", "model-provider", "rights-manager"))
    assert governed.do("alice@studio", actions.CreateCurrency(currency="USD", decimals=2)).code == "ROLE_MISSING"


def a_state_whose_agency_has_no_administrator() -> State:
    """Three orgs, of which studio and club can vote."""
    return State(a_genesis())


def test_an_org_without_an_administrator_gets_one_by_vote_and_a_second_from_that_one_only() -> None:
    state = a_state_whose_agency_has_no_administrator()
    first, _ = propose(state, SetReservedRoles(account="bob@agency", roles=("administrator",)))
    second, _ = propose(state, SetReservedRoles(account="bob@agency", roles=("administrator",)), by="club")

    assert vote(state, first, "club").code == "OK"
    desk = actions.EnrolAccount(account="desk@agency", key=key_of("desk@agency").public)
    assert state.do("bob@agency", desk).code == "OK"
    refused = state.detail(ROOT, proposing(SetReservedRoles(account="desk@agency", roles=("administrator",))))
    assert "ADMINISTRATOR_EXISTS: agency has an administrator" in refused
    assert state.do("bob@agency", actions.SetRoles(account="desk@agency", roles=("administrator",))).code == "OK"
    assert vote(state, second, "studio").code == "OK", "what it holds already may be named"


def test_no_administrator_loses_the_role_by_vote(governed: State) -> None:
    decided(governed, SetReservedRoles(account="root@club", roles=("issuer",)))

    assert decode(governed.get(account_key("root@club")) or b"", Account).roles == ("administrator", "issuer")


def test_no_vote_leaves_too_few_orgs_able_to_vote_for_another() -> None:
    """Of studio, club and agency two can vote; without club, or with one more that cannot, no quorum comes again."""
    state = a_state_whose_agency_has_no_administrator()
    refused = state.run(state.transaction(ROOT, proposing(SuspendOrg(org="club"))))
    without_agency, _ = propose(state, SuspendOrg(org="agency"))
    vote(state, without_agency, "club")
    without_club, _ = propose(state, SuspendOrg(org="club"))
    vote(state, without_club, "club")
    back_again = state.run(state.transaction(ROOT, proposing(ResumeOrg(org="agency"))))
    given_one = SetReservedRoles(account="bob@agency", roles=("administrator",))

    for result in (refused, back_again):
        assert result.outcomes[0].code == "CHANGE_FAILED"
        assert "QUORUM_LOST: 1 of 2 orgs would have an administrator, 2 have to approve" in result.details[0]
    assert org(state, "club").suspended
    assert propose(state, given_one, ResumeOrg(org="agency"))[1].code == "OK"
    assert not org(state, "agency").suspended


def test_a_parameter_binds_the_next_block(governed: State) -> None:
    decided(governed, SetParameters(valid_ms_max=60_000))

    with pytest.raises(Exception, match="VALID_TOO_LONG"):
        governed.run(governed.transaction(ROOT, registering("p")))
    assert governed.do(ROOT, registering("p"), valid_until_ms=governed.time_ms + 60_000).code == "OK"


def test_a_published_policy_becomes_the_one_that_binds_all(governed: State) -> None:
    source = 'policy calm version 1 schema remarque@1 { forbid * as quiet when true reason "quiet"; }'
    governed.do("alice@studio", registering("p"), actions.PublishPolicy(source=source))
    decided(governed, SetConsortiumPolicy(policy="calm", version=1))

    refused = governed.do("alice@studio", actions.MintToken(asset=a_digest("p")))

    assert governed.get(CONSORTIUM_POLICY) == b'"calm@1"'
    assert (refused.code, refused.decisions[0].rule) == ("POLICY_DENIED", "quiet")


# Protocol versions ---------------------------------------------------------------------------------------------------


def test_a_version_is_in_force_from_its_height_on_and_not_before() -> None:
    state = a_governed_state({1: V1, 2: V2})
    height = state.height + 2 + ACTIVATION_NOTICE_BLOCKS
    assert decided(state, ActivateProtocol(version=2, height=height)).code == "OK"

    protocol = protocol_in(state.get)

    assert [protocol.number_at(one) for one in (0, height - 1, height, height + 1)] == [1, 1, 2, 2]
    assert protocol.ahead_of(height - 1) is not None
    assert protocol.ahead_of(height) is None


def test_who_does_not_know_a_version_runs_every_block_before_it_and_none_after() -> None:
    state = a_governed_state()
    height = state.height + 2 + ACTIVATION_NOTICE_BLOCKS
    decided(state, ActivateProtocol(version=2, height=height))
    while state.height < height - 1:
        state.run()

    with pytest.raises(ProtocolUnknown, match=f"protocol version 2 is in force from block {height} on"):
        state.run()


def test_an_activation_ahead_can_be_put_off_and_one_in_force_never_goes_back() -> None:
    state = a_governed_state({1: V1, 2: V2})
    decided(state, ActivateProtocol(version=2, height=30))
    decided(state, ActivateProtocol(version=2, height=40))
    while state.height < 40:
        state.run()

    assert [one.height for one in protocol_in(state.get).activations] == [40]
    assert decided_code(state, ActivateProtocol(version=2, height=100)) == "CHANGE_FAILED"


def decided_code(state: State, change: AnyChange) -> str:
    return propose(state, change)[1].code


# Invariants ----------------------------------------------------------------------------------------------------------

STEPS = st.lists(
    st.tuples(st.sampled_from(sorted(ADMINISTRATORS)), st.integers(0, 3), st.booleans(), st.integers(0, 5)),
    min_size=1,
    max_size=30,
)
SOME: list[Callable[[], AnyChange]] = [
    lambda: SuspendOrg(org="club"),
    lambda: ResumeOrg(org="club"),
    lambda: OPEN_READS,
    lambda: SetParameters(open_reads=False),
    lambda: SuspendOrg(org="agency"),
    lambda: ResumeOrg(org="agency"),
]


@settings(max_examples=60, deadline=None)
@given(STEPS)
def test_whatever_is_voted_each_org_counts_once_and_one_can_always_act(steps: list[tuple[str, int, bool, int]]) -> None:
    state = a_governed_state()
    made: list[str] = []
    passed: set[str] = set()
    for name, which, approve, change in steps:
        active = {one for one in ADMINISTRATORS if not org(state, one).suspended}
        if which == 0 or not made:
            proposal, outcome = propose(state, SOME[change](), by=name)
            made += [proposal] if outcome.code == "OK" else []
        else:
            vote(state, made[change % len(made)], name, approve=approve)

        assert any(not org(state, one).suspended for one in ADMINISTRATORS)
        for one in (proposal_in(state, proposal) for proposal in made):
            voters = [cast.org for cast in one.votes]
            assert len(voters) == len(set(voters))
            if one.status == "passed" and one.id not in passed:
                passed.add(one.id)
                assert len({cast.org for cast in one.votes if cast.approve} & active) * 2 > len(active)
