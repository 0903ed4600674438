"""Commands about pictures: generate, register, fetch, verify, regenerate."""

from __future__ import annotations

import math
import re
import sys
from pathlib import Path
from typing import get_args

import click
from msgspec.structs import asdict, replace

from generator.models import check_kind, default_model_folder, fetch_model, model_digest, verify_model
from generator.settings import BATCH_MAX, SEED_MAX, Precision
from ledger.actions import RegisterModel, action_name
from ledger.generation import ADAPTER_CENTI_MAX, ADAPTERS_MAX, OPTIONAL_SETTINGS, SETTING_FIELDS
from node.cli.chain import genesis_option
from node.cli.found_pictures import found_lines
from node.cli.openings import audience, withheld_by
from node.cli.output_files import OutputFile, written_to
from node.cli.printing import in_line
from node.cli.shares import shares_of
from node.cli.target import Target, with_target
from pictures.describing import describe
from pictures.embedded import SaidInside, said_inside, stripped
from pictures.labels import declared_labels
from pictures.opening import PICTURE_BYTES_MAX
from remarque.api.generation import GeneratedPicture, RefusedPicture
from remarque.client import Client
from remarque.errors import NodeCode, NodeError, RemarqueError
from remarque.trusted_files import load_genesis

STRENGTH = 0.6
SHOWN_CHARACTERS_MAX = 160
"""Of what a file says."""


def finite(_: click.Context, param: click.Parameter, value: float | None) -> float | None:
    """A number that is one, if any is given."""
    if value is not None and not math.isfinite(value):
        raise click.BadParameter(f"{value} is no number", param=param)
    return value


def weighed(_: click.Context, param: click.Parameter, given: tuple[str, ...]) -> dict[str, int]:
    """Adapters by digest, each with its weight in hundredths."""
    found: dict[str, int] = {}
    for word in given:
        digest, _equals, weight = word.partition("=")
        if not re.fullmatch("[0-9a-f]{64}", digest):
            raise click.BadParameter(f"{digest!r} is no digest of 64 hex digits; see GET /v1/models", param=param)
        if digest in found:
            raise click.BadParameter(f"{digest[:16]}… is named twice; give it the sum of its weights", param=param)
        try:
            found[digest] = round(float(weight or 1) * 100)
        except (ValueError, OverflowError):
            raise click.BadParameter(f"{weight} is no number", param=param) from None
        if not 1 <= found[digest] <= ADAPTER_CENTI_MAX:
            raise click.BadParameter(f"a weight is from 0.01 to {ADAPTER_CENTI_MAX / 100:g}, not {weight}", param=param)
    if len(found) > ADAPTERS_MAX:
        raise click.BadParameter(f"{len(found)} are named, at most {ADAPTERS_MAX} are added together", param=param)
    return found


@click.command()
@click.argument("prompt")
@click.option("--negative", default="", help="What the picture should not show.")
@click.option("--seed", type=click.IntRange(0, SEED_MAX), help="Seed; by chance if absent.")
@click.option("--steps", type=click.IntRange(1, 100), default=20, show_default=True, help="Steps of the sampler.")
@click.option(
    "--guidance",
    type=click.FloatRange(0, 50),
    callback=finite,
    default=5.0,
    show_default=True,
    help="How closely to follow the prompt.",
)
@click.option("--size", type=(int, int), default=(128, 128), show_default=True, help="Width and height in pixels.")
@click.option("--count", type=click.IntRange(1, 16), default=1, show_default=True, help="How many pictures.")
@click.option("--model", default="", help="Digest of a model the node's generator serves; its first if absent.")
@click.option("--confidential", is_flag=True, help="Encrypt before storing; publish no fingerprint.")
@click.option(
    "--precision",
    type=click.Choice(get_args(Precision)),
    default="float32",
    show_default=True,
    help="The numbers to compute with; float32 can be repeated best.",
)
@click.option("--batch", type=click.IntRange(1, BATCH_MAX), default=1, show_default=True, help="Pictures at a time.")
@click.option(
    "--private",
    multiple=True,
    metavar="SETTING[=ACCOUNT,…]",
    help="Withhold a setting (such as prompt; all for every one) from all but these accounts; repeat.",
)
@click.option(
    "--out", type=click.Path(path_type=Path, file_okay=False), default=Path(), help="Directory for the pictures."
)
@click.option(
    "--adapter",
    "adapters",
    multiple=True,
    metavar="DIGEST[=WEIGHT]",
    callback=weighed,
    help="A registered adapter (LoRA) to add to the model, by its digest, 1 as it was trained; repeat.",
)
@click.option("--from", "source", help="A recorded ASSET to make the pictures of; they are its derivatives.")
@click.option("--licence", help="A licence of yours for --from; each picture is a use of it.")
@click.option(
    "--strength",
    type=click.FloatRange(0.01, 1),
    callback=finite,
    help=f"How much of --from is redrawn.  [default: {STRENGTH}]",
)
@click.option(
    "--mask",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="A PNG of one channel, 8 bits or 1 bit a pixel: white is redrawn, the rest of --from stays.",
)
@with_target
def generate(
    target: Target,
    prompt: str,
    negative: str,
    seed: int | None,
    steps: int,
    guidance: float,
    size: tuple[int, int],
    count: int,
    model: str,
    confidential: bool,
    precision: str,
    batch: int,
    private: tuple[str, ...],
    out: Path,
    adapters: dict[str, int],
    source: str | None,
    licence: str | None,
    strength: float | None,
    mask: Path | None,
) -> None:
    """Generate pictures of PROMPT; each is on the chain before it is here. Interrupted, it withdraws the generation.

    Who may read the prompt and the settings is said before they are sent.
    """
    if source is None and (mask, strength, licence) != (None, None, None):
        raise click.UsageError("--mask, --strength and --licence say what is done; name of what with --from")
    strength_centi = round((STRENGTH if strength is None else strength) * 100)
    chosen: dict[str, str | int] = {"precision": precision, "batch": batch, "mask": "" if mask is None else str(mask)}
    chosen["strength_centi"] = 0 if source is None else strength_centi
    committed = (*SETTING_FIELDS, *(name for name, value in chosen.items() if value != OPTIONAL_SETTINGS[name]))
    withheld = withheld_by(private, committed)
    click.echo(audience(withheld, committed, confidential=confidential), err=True)
    with target.client() as client:
        generation = client.generate(
            prompt,
            model=model,
            adapters=adapters,
            negative_prompt=negative,
            seed=seed,
            steps=steps,
            guidance_centi=round(guidance * 100),
            width=size[0],
            height=size[1],
            count=count,
            confidential=confidential,
            precision=precision,
            batch=batch,
            withheld=withheld or None,
            source=source,
            licence=licence,
            strength_centi=strength_centi,
            mask=None if mask is None else mask.read_bytes(),
        )
        pictures, refused = _followed(target, client, generation)
        out.mkdir(parents=True, exist_ok=True)
        files = {one.asset: out / f"{one.asset[:16]}.png" for one in pictures}
        for one in pictures:
            data = client.open(one.asset, "the creator's own copy") if confidential else released(client, one.asset)
            OutputFile(files[one.asset], force=True).write(data)
    for picture in pictures:
        if picture.unmarked:
            click.echo(f"picture {picture.index + 1} has no watermark: it is too smooth for one to last", err=True)
    for refusal in refused:
        click.echo(f"picture {refusal.index + 1} is not recorded, so not released: {in_line(refusal.detail)}", err=True)
    written = [asdict(one) | {"file": str(files[one.asset])} for one in pictures]
    lines = [f"asset {one['asset']}\n  file {one['file']}\n  transaction {one['transaction']}" for one in written]
    target.show({"generation": generation, "pictures": written}, "\n".join(lines))


def _followed(
    target: Target, client: Client, generation: str
) -> tuple[tuple[GeneratedPicture, ...], tuple[RefusedPicture, ...]]:
    """Follow a generation to its end: what is recorded of it, and what is not. Interrupted, withdraw it."""
    pictures: tuple[GeneratedPicture, ...] = ()
    refused: tuple[RefusedPicture, ...] = ()
    try:
        for now in client.progress(generation):
            pictures, refused = now.pictures, now.refused
            if not target.as_json and isinstance(now.index, int):
                click.echo(f"\rpicture {now.index + 1}/{now.count}, step {now.step}/{now.steps} ", nl=False)
    except KeyboardInterrupt:
        client.withdraw_generation(generation)
        click.echo(f"\nwithdrew generation {generation}; what is recorded by now stays", err=True)
        raise
    if not target.as_json:
        click.echo("\r", nl=False)
    return pictures, refused


@click.command("withdraw-generation")
@click.argument("generation")
@with_target
def withdraw_generation(target: Target, generation: str) -> None:
    """Give a GENERATION up: it ends at its next step, and what is recorded by then stays."""
    with target.client() as client:
        found = client.withdraw_generation(generation)
    target.show(found, f"{found.state}, {len(found.pictures)} of {found.count} recorded")


@click.command()
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--commit", is_flag=True, help="Commit to it first, so that nobody who sees the record comes before it.")
@click.option("--confidential", is_flag=True, help="Encrypt it on this machine; publish no fingerprint.")
@genesis_option(required=False)
@click.option("--collection", help="A collection of your own to put it into.")
@click.option(
    "--creator", "creators", multiple=True, help="ACCOUNT=PPM, paid as creator; repeat; together 1000000. Or yourself."
)
@click.option("--title", help="What it is called.")
@click.option("--credit", help="Whom to name where it is shown.")
@click.option("--similar", is_flag=True, help="Record it though it is like pictures of others; the record names them.")
@click.option("--source-type", help="IPTC's word for where it comes from, such as digitalCapture.")
@click.option("--strip", is_flag=True, help="Leave out what the file says beside its pixels; keep every pixel.")
@click.option("--share-metadata", is_flag=True, help="Let all members read what it says, without being asked.")
@with_target
def register(
    target: Target,
    file: Path,
    *,
    commit: bool,
    confidential: bool,
    genesis: Path | None,
    collection: str | None,
    creators: tuple[str, ...],
    title: str | None,
    credit: str | None,
    similar: bool,
    source_type: str | None,
    strip: bool,
    share_metadata: bool,
) -> None:
    """Record a picture of one's own. Evidence level: declared.

    What the file says beside its pixels is shown first: where it was taken, serial numbers, names, prompts.
    """
    data = picture_in(file)
    source_type = source_type or offered_source(data)
    if strip:
        data = stripped(data)
    show_said(said_inside(data), asked=not confidential and not share_metadata)
    facts = describe(data) if confidential else None
    shares = shares_of(creators) or None
    with target.client() as client:
        asset, receipt = client.register(
            data,
            collection,
            commit=commit,
            creators=shares,
            confidential=facts,
            title=title,
            credit=credit,
            similar=similar,
            source_type=source_type,
            genesis=None if genesis is None else load_genesis(genesis),
        )
    target.show({"asset": asset, "transaction": receipt.signed.id}, f"asset {asset}")


def picture_in(file: Path) -> bytes:
    """The bytes of a picture's file, and no more than show that they are too many."""
    with file.open("rb") as picture:
        return picture.read(PICTURE_BYTES_MAX + 1)


def offered_source(data: bytes) -> str | None:
    """The source type that a file declares, if whoever registers it says so when asked; it may be anybody's word."""
    declared = declared_labels(data).source_type
    if not declared.isalpha():
        return None
    if sys.stdin.isatty():
        return declared if click.confirm(f"The file declares {declared}. Record that as your word?", err=True) else None
    click.echo(f"the file declares {declared}; --source-type {declared} records that as your word", err=True)
    return None


def show_said(said: tuple[SaidInside, ...], *, asked: bool) -> None:
    """Show what a file says beside its pixels, and ask whether all members may read it. METADATA_UNCONFIRMED if not."""
    for one in said:
        shown = one.text[:SHOWN_CHARACTERS_MAX] + ("…" if len(one.text) > SHOWN_CHARACTERS_MAX else "")
        click.echo(in_line(f"  {one.what}: {shown}"), err=True)
    question = "The file says this, and every member will be able to read it. Register it as it is?"
    if said and asked and not (sys.stdin.isatty() and click.confirm(question, err=True)):
        detail = f"{len(said)} things beside the pixels; --strip leaves them out, --share-metadata shares them"
        raise NodeError(NodeCode.METADATA_UNCONFIRMED, detail)


@click.command()
@click.argument("asset")
@written_to("--out", what="File to write.")
@with_target
def fetch(target: Target, asset: str, out: OutputFile) -> None:
    """Write the file of a public ASSET as it is released: with the manifest that its record names."""
    with target.client() as client:
        out.write(released(client, asset))
    target.show({"asset": asset, "file": str(out)}, f"written to {out}")


def released(client: Client, asset: str) -> bytes:
    """The released file; where its manifest cannot be had now, the recorded one, and that is said."""
    try:
        return client.released(asset)
    except RemarqueError as error:
        if error.code != NodeCode.MANIFEST_MISSING.name:
            raise
        click.echo(f"without its manifest: {in_line(error.detail)}", err=True)
        return client.picture(asset)


@click.command()
@click.argument("picture")
@with_target
def verify(target: Target, picture: str) -> None:
    """Ask what is known about a PICTURE: a file, or an https address that the node fetches."""
    with target.client() as client:
        found = client.verify_at(picture) if picture.startswith("https://") else client.verify(_picture_in(picture))
    target.show(found, "\n".join(found_lines(found)))


def _picture_in(path: str) -> bytes:
    """The bytes of a file that is named on the command line."""
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise click.BadParameter(f"{path}: {error.strerror}; name a file, or an https address") from None


@click.command()
@click.argument("asset")
@with_target
def show(target: Target, asset: str) -> None:
    """Show an ASSET: where it comes from, who owns it, what resales owe."""
    with target.client() as client:
        target.show(client.asset(asset))


@click.command()
@click.argument("asset")
@with_target
def history(target: Target, asset: str) -> None:
    """Show everything that was asked about an ASSET and its token, and what became of it."""
    with target.client() as client:
        found = client.history(asset)
    lines = [
        in_line(
            f"{row.height:>6} {row.signer:24} {', '.join(map(action_name, row.actions)):40} {row.code} {row.detail}"
        )
        for row in found
    ]
    target.show(found, "\n".join(lines))


@click.command()
@click.argument("asset")
@click.option(
    "--model", type=click.Path(path_type=Path, file_okay=False, exists=True), help="Model folder; the default model."
)
@click.option(
    "--mask", type=click.Path(path_type=Path, exists=True, dir_okay=False), help="The mask that it was made with."
)
@click.option(
    "--adapter",
    "adapters",
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    multiple=True,
    help="Folder of an adapter that it was made with; repeat for more.",
)
@with_target
def regenerate(target: Target, asset: str, model: Path | None, mask: Path | None, adapters: tuple[Path, ...]) -> None:
    """Generate a recorded ASSET again from its openings, on this machine, and compare."""
    from generator.adapters import AdapterFolder
    from generator.pipeline import Pipeline
    from generator.redrawing import open_source
    from generator.regenerate import as_png, compare
    from node.generation.asking import settings_of

    with target.client() as client:
        record = client.asset(asset).asset
        if not isinstance(record.model, str):
            raise RemarqueError("NOT_FOUND", f"asset {asset} is {record.evidence}, so nothing says how to make it")
        found = client.openings(asset)
        unknown = set(found.disclosure.commitments.fields()) - found.openings.given().keys()
        if unknown:
            raise RemarqueError("NOT_FOUND", f"it cannot be made again without its {', '.join(sorted(unknown))}")
        original = client.open(asset, "regeneration") if record.confidential else client.picture(asset)
        settings = replace(settings_of(found.openings), index=record.index, batch=1)
        parent = record.parents[0] if settings.strength_centi else ""
        file = client.picture(parent) if parent else b""
    if mask is not None and not settings.mask:
        raise click.UsageError("it was made without a mask; leave --mask out")
    if settings.mask and mask is None:
        raise RemarqueError("NOT_FOUND", "it was made with a mask, which its creator has; name that with --mask")
    drawn_on = b"" if mask is None else mask.read_bytes()
    source = open_source(file, parent, drawn_on, settings) if parent else None
    folder = model or default_model_folder()
    verify_model(folder, record.model)
    folders = {model_digest(one): one for one in adapters}
    missing = [one.model for one in record.adapters_used if one.model not in folders]
    if missing:
        raise RemarqueError(
            "NOT_FOUND", f"it was made with adapter {', '.join(missing)}; name its folder with --adapter"
        )
    if folders.keys() - {one.model for one in record.adapters_used}:
        raise click.UsageError("it was made without one of these adapters; leave that out")
    added = [AdapterFolder(one.model, folders[one.model], one.weight_centi) for one in record.adapters_used]
    pipeline = Pipeline(folder, settings.precision)
    with pipeline.adapted(added):
        again = pipeline.generate(settings, lambda step, steps: None, source)
    compared = compare(original, as_png(again), marked=isinstance(record.mark, str))
    target.show(
        compared,
        f"{compared.verdict}: {compared.pixels_different} pixels differ, at most by {compared.max_difference} of 255; "
        f"image codes {compared.iscc_distance} of 256 bits apart",
    )


@click.group()
def model() -> None:
    """Generator models."""


@model.command("register")
@click.option(
    "--folder", type=click.Path(path_type=Path, file_okay=False, exists=True), help="The default model if absent."
)
@click.option("--name", default="Remarque default", show_default=True, help="Name for people.")
@click.option("--version", default="1", show_default=True, help="Version for people.")
@click.option("--licence", default="Apache-2.0", show_default=True, help="Licence of the weights.")
@click.option("--adapter", is_flag=True, help="It is an adapter (LoRA), a folder with one file .safetensors.")
@with_target
def register_model(target: Target, folder: Path | None, name: str, version: str, licence: str, adapter: bool) -> None:
    """Register a model, or an adapter of models, on the chain by the digest of its files."""
    if adapter and folder is None:
        raise click.UsageError("name the adapter's folder with --folder")
    check_kind(folder or default_model_folder(), adapter=adapter)
    digest = model_digest(folder or default_model_folder())
    with target.client() as client:
        client.submit(RegisterModel(model=digest, name=name, version=version, licence=licence, adapter=adapter))
    target.show({"model": digest}, f"model {digest}")


@model.command("fetch")
@click.argument("repository")
@click.argument("revision")
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
@with_target
def fetch_model_files(target: Target, repository: str, revision: str, folder: Path) -> None:
    """Copy REPOSITORY of the model hub, at the commit REVISION (40 hex digits), into FOLDER for a generator."""
    digest = fetch_model(repository, revision, folder)
    target.show(
        {"model": digest, "folder": str(folder)}, f"model {digest} is in {folder}; name it in [generator] models"
    )
