"""The story, told by running it: `make demo`.

Three orgs with a node each: a studio with a generator, a news agency, a collectors' club. A picture is generated,
recorded, minted, sold and resold; the nodes make a key that none of them holds; a confidential picture is refused,
granted, opened and revoked; the news desk verifies what it finds; the leader is killed while transactions stream in,
and the confidential picture opens all the same; a museum joins with a voter, and the node that was killed is retired;
a receipt is checked offline. Everything goes through the public API. `out/` holds what it leaves; any promise that is
not kept ends it with exit status 1.
"""

from __future__ import annotations

import argparse
import asyncio
import shutil
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, cast

import msgspec

from devnet.cluster import Cluster
from devnet.desk import brought_of, until_indexed
from devnet.load import Stream
from devnet.marks import ANCHORS
from devnet.story import (
    COLLECTOR,
    CREATOR,
    CURRENCY,
    EDITOR,
    KEEPERS,
    MUSEUM,
    OPENING_BALANCE,
    SECOND_COLLECTOR,
    STUDIO,
    TREASURER,
    default_model,
)
from ledger.actions import AddNode, PublishPolicy, SetPolicy
from ledger.encoding import encode
from ledger.events import TokenSold
from ledger.genesis import Genesis
from ledger.governance import AddOrg, AnyChange, BeginCeremony, SetVoter, ShutOutNode
from ledger.names import org_of
from ledger.node_certificate import make_certificate
from ledger.receipt import Receipt, encode_receipt, verify_receipt
from ledger.records import keeper_key
from node.credentials.key_files import CLAIM, CredentialFolder
from node.ground.config import load_config
from node.keeping.authorities import found_authority, issue_credentials
from remarque.api.generation import DONE, GeneratedPicture, Generation
from remarque.api.verification import Match
from remarque.async_client import AsyncClient
from remarque.errors import RemarqueError
from remarque.keys.files import new_key, save_key
from remarque.requesting import now_ms

PROMPT = "the sea at noon, a large white boat in the centre"
SECRET_PROMPT = "a red house in the snow at night"
POLICY = """policy atelier version 1 schema remarque@1 {
  forbid sale as undersold when has(tx.price) && tx.price < 100000
    reason "nothing of the atelier is sold below 1,000.00";
}
"""
FIRST_PRICE, TOO_LOW, SECOND_PRICE = 120_000, 90_000, 200_001
MUSEUM_NODE, AFTER_CHANGES = "museum1", "receipt_after_changes.json"
LEVEL_SECONDS_MAX = 10.0
GENERATOR_SECONDS_MAX = 60.0
CEREMONY_SECONDS_MAX = 60.0

PAGE_RUNNER = Path(__file__).parents[1] / "tests" / "verifiers" / "run_page.mjs"
VERIFIER = Path(__file__).parents[1] / "verifiers" / "verify_receipt.py"
"""Not part of the package: there in a clone."""


class BrokenPromise(Exception):
    """The demo saw something that must never be."""


def promise(condition: object, statement: str) -> None:
    """End the demo if what Remarque promises does not hold."""
    if not condition:
        raise BrokenPromise(statement)


class Story:
    """The chapters, with what they share."""

    def __init__(self, cluster: Cluster, out: Path) -> None:
        self.cluster = cluster
        self.out = out
        self.summary: dict[str, Any] = {"chain": cluster.genesis.chain}
        self.clients: dict[str, AsyncClient] = {}
        self._started = time.monotonic()

    def member(self, account: str, node: str) -> AsyncClient:
        """An account's client, which asks its own org's node first."""
        if account not in self.clients:
            urls = [self.cluster.url(node)] + [self.cluster.url(name) for name in self.cluster.names if name != node]
            self.clients[account] = AsyncClient(urls, account, self.cluster.key(account))
        return self.clients[account]

    def say(self, text: str = "") -> None:
        print(text, flush=True)

    def chapter(self, title: str) -> None:
        self.say(f"\n── {title} ── {time.monotonic() - self._started:.1f} s")

    async def tell(self) -> None:
        """All chapters, in order."""
        try:
            await self.found()
            asset = await self.generate()
            token = await self.sell(asset)
            await self.share_key()
            await self.confide()
            await self.verify(asset)
            killed = await self.kill_the_leader()
            await self.change_voters(killed)
            await self.check_offline()
            await self.audit()
            self.summary["token"] = token
        finally:
            for client in self.clients.values():
                await client.close()
        self.summary["seconds"] = round(time.monotonic() - self._started, 1)
        (self.out / "summary.json").write_bytes(msgspec.json.format(encode(self.summary), indent=2) + b"\n")

    # Chapters

    async def found(self) -> None:
        self.chapter("A consortium of three")
        for node, record in zip(self.cluster.names, self.cluster.genesis.nodes, strict=True):
            self.say(f"  {node} of {record.org:8} {self.cluster.url(node)}")
        leader = self.cluster.leader()
        self.say(f"  chain {self.cluster.genesis.chain}, led by {leader}")
        house = self.member(STUDIO, "node1")
        model = default_model()
        await house.submit(model, memo="founding")
        self.summary["model"] = digest = model.model
        self.say(f"  model registered by its digest {digest[:16]}…")

    async def generate(self) -> str:
        self.chapter(f"{CREATOR} generates: “{PROMPT}”")
        alice = self.member(CREATOR, "node1")
        picture = await self._generated(alice, PROMPT, seed=20, confidential=False)
        asset = picture.asset
        (self.out / "picture.png").write_bytes(await alice.content(picture.cid))
        record = (await alice.asset(asset)).asset
        self.say(f"  recorded before it was released: asset {asset[:16]}…, block {record.height_recorded}")
        self.say(f"  evidence: {record.evidence}, attested by {record.registrant}")
        self.say(f"  image code {record.image_code}")
        opened = (await alice.openings(asset)).value("prompt")
        promise(opened == PROMPT, "the opening of the prompt's commitment is the prompt")
        self.summary["asset"] = asset
        return asset

    async def sell(self, asset: str) -> str:
        self.chapter("Minted under a policy, sold, resold; every resale pays")
        alice = self.member(CREATOR, "node1")
        carla, dmitri = self.member(COLLECTOR, "node3"), self.member(SECOND_COLLECTOR, "node3")
        before = await self._holdings()
        await self.member(STUDIO, "node1").submit(PublishPolicy(source=POLICY))
        await alice.submit(SetPolicy(asset=asset, policy="atelier", version=1))
        token, _ = await alice.mint(asset)
        clause = (await alice.asset(asset)).policy_royalties[0]
        self.say(
            f"  token {token[:16]}…; its policies: {clause.rate_ppm / 10_000:g} % on resales, by the consortium's,"
        )
        self.say("  and “nothing of the atelier is sold below 1,000.00”, by its own")
        sales = []
        for seller, buyer, price in ((alice, carla, FIRST_PRICE), (carla, dmitri, SECOND_PRICE)):
            if seller is carla:
                await self._undersold(carla, dmitri, token)
            await seller.list_token(token, price, CURRENCY)
            receipt = await buyer.buy(token, price, CURRENCY)
            sold = next(event for event in receipt.outcome.events if isinstance(event, TokenSold))
            paid = sum(payment.amount for payment in sold.payments)
            promise(paid == price, f"the payments {paid} make the price {price}")
            sales.append(msgspec.to_builtins(sold))
            self.say(f"  {sold.kind.replace('_', ' ')}: {buyer.account} pays {price} cents")
            for payment in sold.payments:
                self.say(f"    {payment.amount:>8} to {payment.to:16} {payment.reason}")
        after = await self._holdings(receipt.header.height)
        promise(sum(before.values()) == sum(after.values()), "no cent is made or lost")
        self.say(f"  all balances: {sum(before.values())} cents before, {sum(after.values())} after")
        self.summary["sales"] = sales
        self.summary["balances"] = after
        return token

    async def _undersold(self, seller: AsyncClient, buyer: AsyncClient, token: str) -> None:
        """A sale that the policy refuses, and its explanation as the buyer may see it."""
        await seller.list_token(token, TOO_LOW, CURRENCY)
        try:
            await buyer.buy(token, TOO_LOW, CURRENCY)
        except RemarqueError as error:
            promise(error.code == "POLICY_DENIED" and error.receipt is not None, f"the policy refuses it, not {error}")
            refused = cast("Receipt", error.receipt).signed.id
        else:
            raise BrokenPromise("a sale below the policy's price went through")
        explained = (await buyer.transaction(refused)).explanations[0]
        self.say(f"  resold for {TOO_LOW} cents? {explained.code} by {explained.rule}: {explained.reason}")
        (rule,) = [one for one in explained.rules if one.id == explained.rule]
        for part in rule.why:
            self.say(f"    {part.expr:28} {'withheld' if part.withheld else part.value}")

    async def share_key(self) -> None:
        self.chapter("The members' nodes make a key that none of them holds")
        async with AsyncClient(self.cluster.urls, STUDIO, self.cluster.key(STUDIO)) as house:
            names = [keeper_key(keeper) for keeper in KEEPERS]
            while None in map((await house.state(*names)).value, names):
                await asyncio.sleep(0.1)
            await self._decided(house, BeginCeremony(keepers=KEEPERS))
            async with asyncio.timeout(CEREMONY_SECONDS_MAX):
                while (key := await house.consortium_key(self.cluster.genesis)) is None:
                    await asyncio.sleep(0.05)
        self.say(f"  {key.threshold} of {', '.join(KEEPERS)} open together: {key.public.encoded.hex()[:32]}…")

    async def confide(self) -> None:
        self.chapter(f"A confidential picture: “{SECRET_PROMPT}”")
        alice, nadia = self.member(CREATOR, "node1"), self.member(EDITOR, "node2")
        picture = await self._generated(alice, SECRET_PROMPT, seed=7, confidential=True)
        asset = picture.asset
        denied = await self._denied(nadia, asset)
        self.say(f"  {EDITOR} is refused: {denied.code}\n    {denied.detail}")
        until = now_ms() + 3_600_000
        await alice.grant(asset, EDITOR, until)
        await self._replicated(nadia, picture.cid)
        plain = await nadia.open(asset, "fact check")
        (self.out / "confidential.png").write_bytes(plain)
        self.say(f"  granted for an hour: {EDITOR} opened {len(plain)} bytes")
        await alice.revoke(asset, EDITOR)
        again = await self._denied(nadia, asset)
        self.say(f"  revoked: {again.code}")
        self.say("  who asked, from the chain:")
        for row in await alice.history(asset):
            for decision in row.decisions:
                if decision.kind == "view":
                    rule = decision.rule or "no rule permits it"
                    self.say(f"    block {row.height:>3}  {row.signer:14} {decision.code:14} {rule}")
        self._check_disks(plain)
        self.summary["confidential_asset"] = asset

    async def verify(self, asset: str) -> None:
        nadia = self.member(EDITOR, "node2")
        provider = self.cluster.root / "darkroom"
        found_authority(provider, "Darkroom", "XX")
        issue_credentials(provider, "darkroom", provider / "program")
        shutil.copy(provider / "root.pem", self.cluster.root / "nodes" / "node2" / ANCHORS / "darkroom.pem")
        leaf = CredentialFolder(provider / "program").leaf(CLAIM)
        if leaf is None:
            raise RuntimeError("a certificate of now is not in force")
        brought = list(brought_of((self.out / "picture.png").read_bytes(), leaf))
        self.chapter(f"The news desk looks at {len(brought)} files")
        await until_indexed(nadia, brought[0].data)
        for one in brought:
            (self.out / one.name).write_bytes(one.data)
            found = await nadia.verify(one.data)
            self.say(f"  {one.title}: {found.wording}")
            contradicted = one.name == "signed.jpg"
            promise((found.origin.verdict == "contradicted") is contradicted, f"{one.title}: contradicted")
            promise(found.verdict == one.verdict, f"{one.title} is {one.verdict}, not {found.verdict}")
            for match in found.matches:
                promise(match.asset == asset, "the match is the picture")
                receipt = encode(match.receipt)
                verify_receipt(receipt, self.cluster.genesis)
                self.say(
                    f"    {match.evidence} by {match.creator} with {match.model and match.model.name}, {_found(match)}"
                )
                (self.out / "receipt.json").write_bytes(receipt)

    async def kill_the_leader(self) -> str:
        """The node that was killed; it runs again."""
        self.chapter("The leader is killed with -9 while transactions stream in")
        leader = self.cluster.leader() or "node1"
        others = [name for name in self.cluster.names if name != leader]
        stream = Stream([self.cluster.url(name) for name in self.cluster.names], CREATOR, self.cluster.key(CREATOR))
        async with asyncio.TaskGroup() as group:
            running = group.create_task(stream.run(clients=8))
            await stream.acknowledged_at_least(150)
            self.cluster.kill(leader)
            killed, count = time.monotonic(), len(stream.acknowledged)
            self.say(f"  {leader} killed after {count} receipts")
            await stream.acknowledged_at_least(count + 20)
            recovered = time.monotonic() - killed
            self.say(f"  committing again after {recovered:.2f} s, led by {self.cluster.leader()}")
            opened = await self.member(CREATOR, "node1").open(self.summary["confidential_asset"])
            promise(
                opened == (self.out / "confidential.png").read_bytes(), "what is confidential opens without a keeper"
            )
            self.say(f"  the confidential picture opens all the same, without the share of {leader}")
            await stream.acknowledged_at_least(count + 200)
            stream.stop()
            await running
        self.cluster.start(leader)
        self.cluster.wait_ready([leader])
        heights = await self._level()
        lost = {name: await stream.missing_on(self.cluster.url(name)) for name in self.cluster.names}
        promise(not any(lost.values()), f"every acknowledged transaction is on all nodes: {lost}")
        hashes = {name: await self._block_hash(name, heights) for name in self.cluster.names}
        promise(len(set(hashes.values())) == 1, f"all nodes have the same block {heights}: {hashes}")
        self.say(f"  {leader} is back; {len(stream.acknowledged)} receipts, lost on any node: 0")
        self.say(f"  block {heights} on all three: {hashes[others[0]][:32]}…")
        self.summary |= {
            "acknowledged": len(stream.acknowledged),
            "lost": 0,
            "failover_s": round(recovered, 2),
            "height": heights,
            "block_hashes": hashes,
        }
        return leader

    async def change_voters(self, killed: str) -> None:
        self.chapter(f"A museum joins with a voter, and {killed} is retired, while transactions stream in")
        staying = [name for name in self.cluster.names if name != killed]
        stream = Stream([self.cluster.url(name) for name in staying], CREATOR, self.cluster.key(CREATOR))
        house = AsyncClient([self.cluster.url(name) for name in staying], STUDIO, self.cluster.key(STUDIO))
        async with house, asyncio.TaskGroup() as group:
            running = group.create_task(stream.run(clients=4))
            await stream.acknowledged_at_least(20)
            await self._let_museum_in(house)
            await self._decided(house, SetVoter(node=MUSEUM_NODE, votes=True))
            standing = await house.consortium()
            voters = [one.node for one in standing.nodes if one.votes]
            self.say(f"  {', '.join(voters)} vote; {standing.needed} of them are needed")
            await self._decided(house, ShutOutNode(node=killed))
            await stream.acknowledged_at_least(len(stream.acknowledged) + 100)
            stream.stop()
            await running
        await asyncio.to_thread(self.cluster.stop, killed)
        self.cluster.names.remove(killed)
        await self._level()
        lost = {name: await stream.missing_on(self.cluster.url(name)) for name in self.cluster.names}
        promise(not any(lost.values()), f"every acknowledged transaction is on all nodes: {lost}")
        self.say(f"  {killed} is removed; {len(stream.acknowledged)} receipts meanwhile, lost on any node: 0")
        async with AsyncClient(self.cluster.url(MUSEUM_NODE), MUSEUM, self.cluster.key(MUSEUM)) as museum:
            receipt = await museum.receipt(stream.acknowledged[-1])
        data = encode_receipt(receipt)
        verify_receipt(data, self.cluster.genesis)
        (self.out / AFTER_CHANGES).write_bytes(data)
        certified = ", ".join(endorsement.node for endorsement in receipt.certificate.endorsements)
        promise(len(receipt.epochs) == 2, "a receipt proves both changes of the voters")
        self.say(f"  the last receipt, certified by {certified}, proves both changes with the genesis alone")
        self.summary |= {"acknowledged_meanwhile": len(stream.acknowledged), "voters": self.cluster.names}

    async def _let_museum_in(self, house: AsyncClient) -> None:
        """A fourth org, and its node, once it has the chain."""
        key = new_key()
        save_key(self.cluster.root / "accounts" / f"{MUSEUM}.key", key)
        org = org_of(MUSEUM)
        await self._decided(house, AddOrg(org=org, title="The Museum", account=MUSEUM, key=key.public))
        node = self.cluster.prepare_observer(MUSEUM_NODE)
        address = load_config(self.cluster.home(MUSEUM_NODE) / "node.toml").peers.listen
        certificate = make_certificate(node).hex()
        async with AsyncClient(house.urls, MUSEUM, key) as museum:
            await museum.submit(AddNode(node=MUSEUM_NODE, key=node.public, certificate=certificate, address=address))
        started = time.monotonic()
        self.cluster.start(MUSEUM_NODE)
        await asyncio.to_thread(self.cluster.wait_ready, [MUSEUM_NODE])
        self.say(f"  {org} is the fourth org; its node {MUSEUM_NODE} has the chain after {_since(started)}")

    async def _decided(self, house: AsyncClient, change: AnyChange) -> None:
        """Have a change proposed and voted on by the administrators until it is decided."""
        proposal, _ = await house.propose(change)
        for account in (EDITOR, TREASURER):
            async with AsyncClient(house.urls, account, self.cluster.key(account)) as client:
                if (await client.proposal(proposal)).status == "open":
                    await client.vote(proposal, approve=True)

    async def check_offline(self) -> None:
        self.chapter("A receipt, checked with the genesis file alone")
        (self.out / "genesis.json").write_bytes(encode(self.cluster.genesis))
        genesis = msgspec.json.decode((self.out / "genesis.json").read_bytes(), type=Genesis)
        data = (self.out / "receipt.json").read_bytes()
        receipt = verify_receipt(data, genesis)
        nodes = ", ".join(endorsement.node for endorsement in receipt.certificate.endorsements)
        self.say(f"  {len(data)} bytes: {receipt.outcome.code} at block {receipt.header.height}, certified by {nodes}")
        try:
            verify_receipt(data.replace(b'"code":"OK"', b'"code":"NO"'), genesis)
        except Exception as error:  # any answer but a refusal breaks the promise below
            self.say(f"  the same with one word changed: {error}")
        else:
            raise BrokenPromise("a forged receipt was taken")
        promise(encode_receipt(receipt) == data, "a receipt has one spelling")
        if VERIFIER.exists():
            files = (str(self.out / "receipt.json"), str(self.out / "genesis.json"))
            said = msgspec.json.decode(await _output(sys.executable, "-I", str(VERIFIER), *files))
            self.say(f"  {VERIFIER.name}, which shares no line with us: holds {said['holds']}, code {said['code']}")
            await self.check_in_a_page(data)

    async def check_in_a_page(self, receipt: bytes) -> None:
        """The offline page's own script, run by Node where there is one; a browser runs the same."""
        page, node = VERIFIER.with_suffix(".html"), shutil.which("node")
        if node is None or not PAGE_RUNNER.exists():
            self.say(f"  {page.name}: open it in a browser with the two files, for there is no Node here")
            return
        genesis = (self.out / "genesis.json").read_bytes()
        later = (self.out / AFTER_CHANGES).read_bytes()
        brought = (receipt, receipt.replace(b'"code":"OK"', b'"code":"NO"'), later)
        cases: list[Any] = [(data.hex(), genesis.hex(), [], None) for data in brought]
        said = msgspec.json.decode(await _output(node, str(PAGE_RUNNER), str(page), given=msgspec.json.encode(cases)))
        promise(said == [True, False, True], f"the page takes both receipts and refuses the forged one: {said}")
        self.say(f"  {page.name}, in JavaScript: holds True, as does the museum's; the forged one is refused")

    async def audit(self) -> None:
        self.chapter("An auditor runs the whole chain again")
        key, url = self.cluster.root / "accounts" / f"{EDITOR}.key", self.cluster.url(MUSEUM_NODE)
        asked = ["--node", url, "--account", EDITOR, "--key", str(key), "--json"]
        source = ["audit", url, "--genesis", str(self.out / "genesis.json")]
        evidence = ["--receipt", str(self.out / "receipt.json")]
        said = msgspec.json.decode(await _output(sys.executable, "-m", "node", *asked, *source, *evidence))
        self.say(
            f"  {said['height']} blocks, {said['transactions']} transactions executed anew in {said['seconds']:.1f} s: "
            "every root, outcome, signature and certificate holds"
        )

    # Parts of chapters

    async def _generated(self, client: AsyncClient, prompt: str, *, seed: int, confidential: bool) -> GeneratedPicture:
        deadline = time.monotonic() + GENERATOR_SECONDS_MAX
        while not await client.generators():
            promise(time.monotonic() < deadline, "the generator is ready within a minute")
            await asyncio.sleep(0.1)
        generation = await client.generate(prompt, seed=seed, confidential=confidential)
        pictures: tuple[GeneratedPicture, ...] = ()
        async for now in client.progress(generation):
            pictures = now.pictures
            _show_progress(now)
        print(flush=True)
        return pictures[0]

    async def _replicated(self, client: AsyncClient, cid: str) -> None:
        """Wait until the node that a client asks has fetched some content from the others."""
        deadline = time.monotonic() + LEVEL_SECONDS_MAX
        while True:
            try:
                await client.content(cid)
                return
            except RemarqueError as error:
                promise(error.code == "CONTENT_MISSING" and time.monotonic() < deadline, f"{cid} comes, not {error}")
            await asyncio.sleep(0.05)

    async def _denied(self, client: AsyncClient, asset: str) -> RemarqueError:
        try:
            await client.open(asset, "fact check")
        except RemarqueError as error:
            promise(error.code == "POLICY_DENIED", f"the rules deny it, not {error.code}")
            return error
        raise BrokenPromise("a confidential picture was opened without a grant")

    async def _holdings(self, height: int = 0) -> dict[str, int]:
        """What each account has, once the node that is asked has the block of a height: another may have it before."""
        accounts = (CREATOR, STUDIO, COLLECTOR, SECOND_COLLECTOR)
        client, deadline = self.member(CREATOR, "node1"), time.monotonic() + LEVEL_SECONDS_MAX
        while (await client.status()).height < height:
            promise(time.monotonic() < deadline, f"node1 has block {height} soon after node3")
            await asyncio.sleep(0.02)
        held = {account: (await client.balances(account)).get(CURRENCY, 0) for account in accounts}
        promise(sum(held.values()) == 2 * OPENING_BALANCE, "the story's accounts hold all of the money")
        return held

    def _check_disks(self, plain: bytes) -> None:
        """The confidential picture's bytes are on no node's disk in clear."""
        probe = plain[len(plain) // 2 : len(plain) // 2 + 64]
        for name in self.cluster.names:
            for path in (self.cluster.home(name) / "data").rglob("*"):
                promise(not path.is_file() or probe not in path.read_bytes(), f"{path} holds the picture in clear")
        self.say("  its plaintext is on no node's disk")

    async def _level(self) -> int:
        """Height that all nodes have reached."""
        target = max(self.cluster.status(name)["height"] for name in self.cluster.names)
        deadline = time.monotonic() + 20
        while min(self.cluster.status(name)["height"] for name in self.cluster.names) < target:
            promise(time.monotonic() < deadline, "all nodes catch up within 20 s")
            await asyncio.sleep(0.05)
        return int(target)

    async def _block_hash(self, name: str, height: int) -> str:
        account = CREATOR
        async with AsyncClient(self.cluster.url(name), account, self.cluster.key(account)) as client:
            return (await client.block(height)).hash


async def _output(*command: str, given: bytes = b"") -> bytes:
    """What a program prints, which has to end well, given something to read."""
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(*command, stdin=pipe, stdout=pipe)
    said, _ = await process.communicate(given)
    promise(process.returncode == 0, f"{command[2]} ends with status 0: {said.decode(errors='replace')}")
    return said


def _since(started: float) -> str:
    return f"{time.monotonic() - started:.1f} s"


def _show_progress(now: Generation) -> None:
    if now.step and now.steps:
        done = now.step * 30 // now.steps
        print(f"\r  {'█' * done}{'░' * (30 - done)} step {now.step}/{now.steps}", end="", flush=True)
    elif now.state == DONE:
        print(f"\r  {'█' * 30} recorded          ", end="", flush=True)


def _found(match: Match) -> str:
    """How it was found, and that its receipt holds."""
    said = ["receipt verified"]
    if match.compared:
        place = match.compared.place
        said.insert(0, f"{place.part_of_recorded_ppm // 10_000} % of it shown")
        if match.compared.altered:
            said.insert(1, f"{match.compared.altered[0].area_ppm // 10_000} % of that altered")
    return ", ".join(said)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m devnet.demo", description=__doc__)
    parser.add_argument("--keep", action="store_true", help="leave the cluster up and print its addresses")
    parser.add_argument("--out", type=Path, default=Path("out"), help="where the results go")
    options = parser.parse_args()
    shutil.rmtree(options.out, ignore_errors=True)
    options.out.mkdir(parents=True)
    root = Path(tempfile.mkdtemp(prefix="remarque-demo-"))
    cluster = Cluster.create(root / "devnet", 3, generator=True)
    try:
        cluster.up()
        asyncio.run(Story(cluster, options.out).tell())
    except (BrokenPromise, RemarqueError, ConnectionError) as error:
        print(f"\nthe demo failed: {error}\nthe nodes' logs are in {cluster.root}", file=sys.stderr)
        cluster.down()
        return 1
    print(f"\nall promises kept; see {options.out}/")
    if options.keep:
        addresses = "\n".join(f"  {name} {cluster.url(name)}" for name in cluster.names)
        print(f"the cluster stays up; its accounts' keys are in {cluster.root / 'accounts'}\n{addresses}")
        print(f'stop it with: .venv/bin/remarque devnet down --dir "{cluster.root}"')
        return 0
    cluster.down()
    shutil.rmtree(root)
    return 0


if __name__ == "__main__":
    sys.exit(main())
