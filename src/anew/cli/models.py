"""`models`: registered models, their versions and aliases."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import click

from ..commands import changes as asked
from ..commands.acting import edit_model, model_deleted, model_restored, registered
from ..commands.documents import fact_document, model_document, of_model_document
from .face import Face, shared
from .output import Column
from .words import ago, moment, one_line, plural

if TYPE_CHECKING:
    from ..models.views import ModelVersion
    from ..record.models import AliasFact, ModelChange, VersionFact

__all__ = ["models"]


@click.group(invoke_without_command=True)
@shared(quiet="Print names alone, one per line.")
def models(face: Face) -> None:
    """Registered models: versions, aliases, and who promoted what.

    MODEL is a name, or `project/name` where several projects have a model of that name; VERSION is `name:3` or
    `name@production`, and a name alone means the newest. Without a command, the models are listed.

    \b
    Examples:
      anew models
      anew models register vit k7f3:checkpoints/best.pt --why "best on val"
      anew models promote vit:3 production --require identical
      anew models show vit
      anew lineage vit@production
    """
    context = click.get_current_context()
    if context.invoked_subcommand is None:
        context.invoke(list_, deleted=False)


@models.command("list")
@click.option("--deleted", is_flag=True, help="List those that were deleted.")
@shared(quiet="Print names alone, one per line.")
def list_(face: Face, deleted: bool) -> None:
    """List models, with their newest versions and aliases.

    \b
    Examples:
      anew models list
      anew models list --deleted
      anew models list --json
    """
    with face.store(refresh=False) as store:
        found = store.models.deleted() if deleted else list(store.models)

    def table() -> None:
        if not found:
            face.out.say(
                "No model was deleted." if deleted else "There are no models. `anew models register --help` shows how to make one."
            )  # fmt: skip
            return
        now, facts = time.time(), [one.fact for one in found]
        columns = [
            Column("MODEL", [one_line(one.name) for one in facts], least=12),
            Column("VERSIONS", [str(len(one.versions)) for one in facts], right=True),
            Column("ALIASES", [one_line(_aliases(one.aliases)) for one in facts], styles="cyan", weight=1, least=12),
            Column("CHANGED", [ago(one.updated_at, now) for one in facts], weight=2),
            Column("PROJECT", [one_line(_project(one.scope)) for one in facts], weight=3),
            Column("TAGS", [one_line(_tags(one.tags)) for one in facts], weight=5),
            Column("DESCRIPTION", [one_line(one.description or "") for one in facts], weight=4, least=16),
        ]  # fmt: skip
        face.out.table([column for column in columns if any(column.cells)])

    face.out.emit(
        lambda: {"models": [model_document(one.fact) for one in found]},
        ids=(one.name for one in found),
        table=table,
    )


@models.command()
@click.argument("model")
@shared(quiet="Print the versions alone, one per line.")
def show(face: Face, model: str) -> None:
    """Show a model: its versions, its aliases, and all that happened to it.

    \b
    Examples:
      anew models show vit
      anew models show lab/vision/vit --json
    """
    with face.store(refresh=False) as store:
        one = store.models.get(model)
        history = one.history()

    def table() -> None:
        fact, now = one.fact, time.time()
        face.out.line(one_line(fact.name), "bold")
        for name, text in (
            ("description", fact.description or ""),
            ("project", _project(fact.scope)),
            ("tags", _tags(fact.tags)),
            ("made", f"{moment(fact.created_at)} by {fact.user}"),
        ):
            if text:
                face.out.line(f"{name}: {one_line(text)}")
        if fact.versions:
            face.out.line()
            face.out.table(_versions(fact.versions, now))
        face.out.line()
        face.out.table(
            [
                Column("WHEN", [moment(c.time) for c in history]),
                Column("WHO", [one_line(c.user) for c in history], weight=1),
                Column("WHAT", [one_line(_happened(c)) for c in history], least=20),
                Column("WHY", [one_line(c.why or "") for c in history], least=12, weight=2),
            ]
        )

    document = {
        **model_document(one.fact),
        "history": [fact_document(change) for change in history],
    }
    face.out.emit(document, ids=(str(version) for version in one.versions), table=table)


@models.command()
@click.argument("model")
@click.argument("target")
@click.option("--why", metavar="TEXT", help="Why, for the history.")
@click.option("--description", metavar="TEXT", help="What there is to say about the version.")
@click.option(
    "-t",
    "--tag",
    "tags",
    multiple=True,
    metavar="NAME=VALUE",
    help="A tag of the version; may repeat.",
)
@click.option(
    "-a",
    "--alias",
    "aliases",
    multiple=True,
    metavar="ALIAS",
    help="Have this alias mean it; may repeat.",
)
@shared(quiet="Print the version alone.")
def register(
    face: Face, model: str, target: str, why: str | None, description: str | None, tags: tuple[str, ...], aliases: tuple[str, ...]
) -> None:  # fmt: skip
    """Make the next version of a model. The model is made if it is not there.

    TARGET is what the version is: EXPERIMENT:PATH of a file or folder that it logged, weights:VERSION of the store's
    repository of weights, EXPERIMENT as a whole, or an address such as s3://bucket/model.

    \b
    Examples:
      anew models register vit k7f3:checkpoints/best.pt --why "best on val"
      anew models register vit weights:experiments/k7f3 -a candidate
      anew models register vit s3://bucket/vit --tag task=classification
    """
    with face.store() as store:
        version = registered(
            store,
            asked.ModelsRegisterChange(
                model=model,
                target=target,
                why=why,
                description=description,
                tag=tags,
                alias=aliases,
            ),
        )
    _one(face, version, f"registered {version}: {_points_to(version.fact)}")


@models.command()
@click.argument("version")
@click.argument("alias")
@click.option("--why", metavar="TEXT", help="Why, for the history.")
@click.option(
    "--require", metavar="VERDICT",
    help="Refuse unless the experiment's results came back when it was run again: identical, within (whatever tolerance "
    "that was held against), within:1e-3 or within:rtol=1e-3,atol=1e-6.",
)  # fmt: skip
@shared(quiet="Print the version alone.")
def promote(face: Face, version: str, alias: str, why: str | None, require: str | None) -> None:
    """Have an alias, such as production, mean a version from now on.

    \b
    Examples:
      anew models promote vit:3 production --why "faster, same accuracy"
      anew models promote vit@candidate production --require identical
      anew models promote vit:3 production --require within:1e-3
    """
    with face.store() as store:
        one = store.models.version(version)
        before = next((v for v in store.models.get(version).versions if alias in v.aliases), None)
        moved = one.promote(alias, why=why, require=require)
        one = store.models.get(version)[one.number]
    said = f"{one.model}@{alias} is now version {one.number}"
    if before is not None and before.number != one.number:
        said += f"; it was {before.number}"
    if moved.evidence is not None:
        said += f" ({moved.evidence.verdict} in re-run {moved.evidence.rerun})"
    _one(face, one, said)


@models.command()
@click.argument("model")
@click.argument("alias")
@click.option("--why", metavar="TEXT", help="Why, for the history.")
@shared(quiet="Print nothing but errors.")
def demote(face: Face, model: str, alias: str, why: str | None) -> None:
    """Take an alias away from a model.

    \b
    Examples:
      anew models demote vit production --why "regression on night images"
    """
    with face.store(refresh=False) as store:
        store.models.get(model).demote(alias, why=why)
        one = store.models.get(model)
    face.out.emit(
        model_document(one.fact),
        table=lambda: face.out.say(f"{one.name} has no alias {alias} any more."),
    )


@models.command()
@click.argument("name")
@click.option("--description", metavar="TEXT", help="Set the description; an empty one removes it.")
@click.option(
    "-t", "--tag", "tags", multiple=True, metavar="NAME=VALUE", help="Set this tag; may repeat."
)
@click.option("-r", "--remove", multiple=True, metavar="TAG", help="Remove this tag; may repeat.")
@shared(quiet="Print nothing but errors.")
def edit(
    face: Face, name: str, description: str | None, tags: tuple[str, ...], remove: tuple[str, ...]
) -> None:
    """Set the description and tags of a model, or of a version (name:3).

    \b
    Examples:
      anew models edit vit --description "image classifier" --tag team=vision
      anew models edit vit:3 --tag checked=yes --remove draft
    """
    with face.store(refresh=False) as store:
        found = edit_model(
            store,
            asked.ModelsEditChange(name=name, description=description, tag=tags, remove=remove),
        )
    face.out.emit(
        of_model_document(found),
        table=lambda: face.out.say(f"{found}: {_tags(found.tags) or 'no tags'}."),
    )


@models.command()
@click.argument("model")
@click.argument("name")
@shared(quiet="Print the new name alone.")
def rename(face: Face, model: str, name: str) -> None:
    """Give a model another name. Its versions, aliases and history stay.

    \b
    Examples:
      anew models rename vit vit-base
    """
    with face.store(refresh=False) as store:
        one = store.models.get(model).rename(name)
    face.out.emit(
        model_document(one.fact), ids=[one.name], table=lambda: face.out.say(f"{model} is now called {one.name}.")
    )  # fmt: skip


@models.command()
@click.argument("name")
@click.option("--why", metavar="TEXT", help="Of a version: why, for the history.")
@shared(quiet="Print nothing but errors.")
def delete(face: Face, name: str, why: str | None) -> None:
    """Delete a model, or withdraw a version of it (name:3). `anew models restore` brings either back.

    What a version points to (files, weights) stays where it is.

    \b
    Examples:
      anew models delete old-model
      anew models delete vit:3 --why "trained on the test set"
    """
    with face.store(refresh=False) as store:
        shown = model_deleted(store, asked.ModelsDeleteChange(name=name, why=why))
    face.out.emit(
        shown, table=lambda: face.out.say(f"deleted {name}; `anew models restore {name}` brings it back.")
    )  # fmt: skip


@models.command()
@click.argument("name")
@click.option(
    "--name", "to", metavar="NAME", help="What to call a model whose name another one has by now."
)
@shared(quiet="Print the name alone.")
def restore(face: Face, name: str, to: str | None) -> None:
    """Bring a deleted model back, or a version that was withdrawn (name:3).

    \b
    Examples:
      anew models restore vit
      anew models restore vit:3
      anew models restore vit --name vit-old
    """
    from ..models.views import ModelVersion

    with face.store(refresh=False) as store:
        one = model_restored(store, asked.ModelsRestoreChange(name=name, to=to))
    if isinstance(one, ModelVersion):
        _one(face, one, f"{one} is back")
        return
    versions = plural(len(one.fact.versions), "version")
    face.out.emit(
        model_document(one.fact), ids=[one.name], table=lambda: face.out.say(f"{one.name} is back, with {versions}.")
    )  # fmt: skip


@models.command()
@click.argument("version")
@click.argument("to", type=click.Path(file_okay=False))
@shared(quiet="Print the paths alone, one per line.")
def save(face: Face, version: str, to: str) -> None:
    """Copy the files of a version into a folder, checked against their hashes; weights as one .safetensors file.

    \b
    Examples:
      anew models save vit@production serving/
      anew models save vit:3 out
    """
    import os

    from ..models.saving import save_version

    with face.store() as store:
        one = store.models.version(version)
        paths = [os.fspath(path) for path in save_version(one, to)]
    face.out.emit(
        {"version": str(one), "written": paths}, ids=paths, table="\n".join(map(one_line, paths))
    )


# -- how they are shown -----------------------------------------------------------------------------


def _one(face: Face, version: ModelVersion, said: str) -> None:
    face.out.emit(
        fact_document(version.fact), ids=[str(version)], table=lambda: face.out.say(f"{said}.")
    )


def _versions(versions: tuple[VersionFact, ...], now: float) -> list[Column]:
    shown = versions[::-1]
    columns = [
        Column("VERSION", [str(one.number) for one in shown], right=True),
        Column("ALIASES", [one_line(", ".join(one.aliases)) for one in shown], styles="cyan"),
        Column("WHEN", [ago(one.created_at, now) for one in shown], weight=2),
        Column("WHO", [one_line(one.user) for one in shown], weight=3),
        Column("POINTS TO", [one_line(_points_to(one)) for one in shown], least=20),
        Column("EXPERIMENT", [_experiment(one) for one in shown], weight=1),
        Column("TAGS", [one_line(_tags(one.tags)) for one in shown], weight=4),
        Column("WHY", [one_line(one.why or "") for one in shown], weight=5, least=12),
    ]
    return [column for column in columns if any(column.cells)]


def _points_to(one: VersionFact) -> str:
    if one.points_to == "experiment":
        return "the experiment"
    ref = one.ref[:12] if one.points_to == "weights" else one.ref
    return f"{one.points_to} {ref}"


def _experiment(one: VersionFact) -> str:
    gone = {"deleted": " (deleted)", "purged": " (deleted for good)"}
    return one_line(one.experiment or "") + gone.get(one.experiment_gone or "", "")


def _happened(change: ModelChange) -> str:
    match change.what:
        case "alias" if change.number is None:
            return f"{change.alias} taken away from version {change.before}"
        case "alias":
            before = f", was {change.before}" if change.before not in (None, change.number) else ""
            proof = f" ({change.evidence.verdict})" if change.evidence is not None else ""
            return f"{change.alias} is version {change.number}{before}{proof}"
        case "renamed":
            return f"renamed to {change.name}"
        case "registered" | "edited" | "withdrawn":
            return f"version {change.number} {change.what}"
        case _:
            return change.what


def _aliases(aliases: tuple[AliasFact, ...]) -> str:
    return ", ".join(f"{one.alias}={one.number}" for one in aliases)


def _tags(tags: dict[str, str]) -> str:
    return ", ".join(f"{name}={value}" if value else name for name, value in tags.items())


def _project(scope: str) -> str:
    return scope.removeprefix("project/") if scope != "root" else ""
