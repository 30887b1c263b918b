"""`weights`: versions of model weights, with the verbs people know from git."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from .face import Face, shared
from .output import Column
from .repository import open_repository, repository_option
from .words import ago, moment, number, one_line, plural, size

if TYPE_CHECKING:
    from ..weights import Commit, Repository

__all__ = ["weights"]

_STRATEGIES = ("ours", "theirs", "average")


class _Late(click.Group):
    """The group; the commands that look after a repository are in another file."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        from .weights_upkeep import COMMANDS

        for command in COMMANDS:
            self.add_command(command)
        return list(self.commands)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in self.commands:
            self.list_commands(ctx)
        return self.commands.get(cmd_name)


@click.group(cls=_Late)
def weights() -> None:
    """Versions of model weights.

    A version is a commit in a repository: the store's own `weights` folder, or the one that --repo names.
    VERSION is a branch, a tag, a commit's hash or its start, or HEAD; `~2` after it goes two commits back.

    \b
    Examples:
      anew weights commit model.safetensors -m "epoch 3"
      anew weights log
      anew weights diff HEAD~1 HEAD
      anew weights checkout HEAD --to best.safetensors
    """


@weights.command()
@repository_option
@shared(quiet="Print the path alone.")
def init(face: Face, repo: str | None) -> None:
    """Make a repository, unless there is one.

    `commit` and `push` make the ones they need, so this is for making one by itself.

    \b
    Examples:
      anew weights init
      anew weights init --repo s3://lab/weights
    """
    repository = open_repository(face, repo, init=True)
    face.out.emit(
        {"repository": repository.url, "branches": repository.branches()},
        ids=[repository.url],
        table=f"The repository of weights is at {one_line(repository.url)}.",
    )


@weights.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False))
@click.option(
    "-m", "--message", required=True, metavar="TEXT", help="A message that describes the version."
)
@click.option("--author", metavar="NAME", help="The author; by default user@host.")
@click.option("--experiment", metavar="ID", help="The experiment it came from.")
@click.option("--step", type=int, metavar="N", help="The training step it was taken at.")
@click.option("-b", "--branch", metavar="NAME", help="Commit to this branch.")
@repository_option
@shared(quiet="Print the hash alone.")
def commit(
    face: Face, file: str, message: str, repo: str | None, branch: str | None, **fields: Any
) -> None:
    """Keep the weights in a file as a new version.

    FILE is .safetensors, .npz, .npy, .pt or .pth. Nothing in it is ever unpickled: a .pt file with more than
    tensors and plain data is refused.

    \b
    Examples:
      anew weights commit model.safetensors -m "epoch 3"
      anew weights commit checkpoint.pt -m "after warm-up" --experiment k7f3 --step 1000
    """
    from ..weights import model_to_weights

    with open_repository(face, repo, init=True, branch=branch) as repository:
        repository.stage_weights(model_to_weights(file))
        made = repository.commit(message, **fields)
        on = repository.branch_name

    def table() -> None:
        what = f"{plural(made.tensors, 'tensor')}, {size(made.nbytes)}"
        face.out.line(f"[{on} {made.short}] {one_line(message)} ({what})")

    face.out.emit(commit_json(made), ids=[made.commit_hash], table=table)


@weights.command()
@click.argument("version", default="HEAD")
@click.option("-n", "--limit", type=click.IntRange(1), metavar="N", help="At most this many.")
@click.option("--experiment", metavar="ID", help="Only versions of this experiment.")
@repository_option
@shared(quiet="Print hashes alone, one per line.")
def log(
    face: Face, version: str, limit: int | None, experiment: str | None, repo: str | None
) -> None:
    """List the versions that led to one, newest first.

    \b
    Examples:
      anew weights log
      anew weights log experiments/k7f3 -n 5
      anew weights log --json
    """
    import time

    repository = open_repository(face, repo)
    commits = repository.log(version, limit=limit, experiment=experiment)

    def table() -> None:
        if not commits:
            face.out.say(_no_version(repository))
            return
        names: dict[str, list[str]] = {}
        for name, at in {**repository.branches(), **repository.tags()}.items():
            names.setdefault(at, []).append(name)
        now = time.time()
        columns = [
            Column("commit", [one.short for one in commits], styles="yellow"),
            Column("when", [ago(one.time, now) for one in commits], weight=2),
            Column(
                "step", ["" if one.step is None else str(one.step) for one in commits], right=True
            ),
            Column("size", [size(one.nbytes) for one in commits], right=True, weight=1),
            Column(
                "names",
                [", ".join(names.get(one.commit_hash, ())) for one in commits],
                styles="cyan",
            ),
            Column("message", [one_line(one.message) for one in commits], least=20),
            Column("experiment", [one_line(one.experiment or "") for one in commits], weight=3),
        ]
        face.out.table([column for column in columns if any(column.cells)])

    face.out.emit(
        {"commits": [commit_json(one) for one in commits]},
        ids=(one.commit_hash for one in commits),
        table=table,
    )


@weights.command()
@click.argument("version", default="HEAD")
@repository_option
@shared(quiet="Print the names of the tensors alone.")
def show(face: Face, version: str, repo: str | None) -> None:
    """Show a version: what made it, and its tensors.

    \b
    Examples:
      anew weights show
      anew weights show v1.0 --json
    """
    snapshot = open_repository(face, repo).open(version)
    made, entries = snapshot.commit, [snapshot.entry(name) for name in snapshot]

    def document() -> object:
        tensors = [
            {
                "name": entry.name,
                "dtype": entry.dtype,
                "shape": list(entry.shape),
                "bytes": entry.nbytes,
                "shares_with": entry.view.root if entry.view else None,
            }
            for entry in entries
        ]
        return {**commit_json(made), "framework": snapshot.framework, "tensors": tensors}

    def table() -> None:
        facts = {
            "commit": made.commit_hash,
            "parents": " ".join(parent[:12] for parent in made.parents),
            "author": made.author,
            "time": moment(made.time),
            "experiment": made.experiment or "",
            "step": "" if made.step is None else str(made.step),
            "message": made.message,
            **{f"metadata.{key}": str(value) for key, value in made.metadata.items()},
        }
        for name, text in facts.items():
            if text:
                face.out.line(f"{one_line(name)}: {one_line(text)}")
        face.out.line()
        face.out.table(
            [
                Column("tensor", [one_line(entry.name) for entry in entries]),
                Column("type", [entry.dtype for entry in entries]),
                Column("shape", [" × ".join(map(str, entry.shape)) for entry in entries]),
                Column("size", [size(entry.nbytes) for entry in entries], right=True),
            ]
        )

    face.out.emit(document, ids=(entry.name for entry in entries), table=table)


@weights.command()
@click.argument("old", default="HEAD~1")
@click.argument("new", default="HEAD")
@click.option(
    "--norms/--no-norms",
    default=True,
    help="Also show how large each change is; this reads the tensors.",
)
@repository_option
@shared(quiet="Print the names of tensors that differ.")
def diff(face: Face, old: str, new: str, norms: bool, repo: str | None) -> None:
    """Say which tensors differ between two versions, and by how much.

    \b
    Examples:
      anew weights diff
      anew weights diff v1.0 main --no-norms
    """
    found = open_repository(face, repo).diff(old, new, norms=norms)

    def document() -> object:
        changed = [
            {
                "name": one.name,
                "old": {"dtype": one.old_dtype, "shape": list(one.old_shape)},
                "new": {"dtype": one.new_dtype, "shape": list(one.new_shape)},
                "norm": one.norm,
                "relative": one.relative,
                "changed_elements": one.changed_elements,
            }
            for one in found.changed
        ]
        rest = {"added": found.added, "removed": found.removed, "unchanged": found.unchanged}
        return {"old": found.old, "new": found.new, **rest, "changed": changed}

    def table() -> None:
        rows = [("+", name, "", "", "") for name in found.added]
        rows += [("-", name, "", "", "") for name in found.removed]
        for one in found.changed:
            form = "" if one.same_form else f"{_form(one.old_dtype, one.old_shape)} → "
            form += _form(one.new_dtype, one.new_shape)
            rows.append(("~", one.name, form, number(one.norm), number(one.relative)))
        if rows:
            titles = ("", "tensor", "type and shape", "norm of the change", "relative")
            face.out.table(
                [
                    Column(title, [one_line(row[index]) for row in rows], right=index > 2)
                    for index, title in enumerate(titles)
                ]
            )
        face.out.say(f"{plural(found.unchanged, 'tensor')} unchanged.")

    face.out.emit(
        document,
        ids=[*found.added, *found.removed, *(one.name for one in found.changed)],
        table=table,
    )


@weights.command()
@click.argument("version")
@click.option(
    "--to", metavar="FILE", help="Write the weights to this .safetensors, .npz or .pt file."
)
@click.option("--only", multiple=True, metavar="TENSOR", help="Only this tensor; may repeat.")
@repository_option
@shared(quiet="Print the hash alone.")
def checkout(
    face: Face, version: str, to: str | None, only: tuple[str, ...], repo: str | None
) -> None:
    """Write a version to a file, or go to a branch.

    Without --to the branch VERSION becomes the one that commits go to.

    \b
    Examples:
      anew weights checkout HEAD --to best.safetensors
      anew weights checkout v1.0 --to head.npz --only head.weight
      anew weights checkout topic
    """
    repository = open_repository(face, repo)
    if to is None:
        if only:
            raise click.UsageError("--only says what to write: give --to as well.")
        made = repository.checkout(version)
        said = f"On {repository.branch_name or 'commit ' + made.short} at {made.short}."
    else:
        snapshot = repository.open(version)
        snapshot.save(to, only=only or None)
        made, said = snapshot.commit, f"Wrote {snapshot.commit.short} to {one_line(to)}."
    face.out.emit(
        {**commit_json(made), "branch": repository.branch_name, "file": to},
        ids=[made.commit_hash],
        table=said,
    )


@weights.command()
@click.argument("name", required=False)
@click.argument("version", default="HEAD")
@click.option("-d", "--delete", is_flag=True, help="Delete the branch.")
@click.option("-f", "--force", is_flag=True, help="Move the branch when there is one.")
@repository_option
@shared(quiet="Print names alone.")
def branch(
    face: Face, name: str | None, version: str, delete: bool, force: bool, repo: str | None
) -> None:
    """List branches, make one, or delete one.

    \b
    Examples:
      anew weights branch
      anew weights branch topic HEAD~2
      anew weights branch --delete topic
    """
    repository = open_repository(face, repo)
    if name and delete:
        repository.delete_branch(name)
    elif name:
        repository.branch(name, version, force=force)
    _names(face, repository.branches(), current=repository.branch_name)


@weights.command()
@click.argument("name", required=False)
@click.argument("version", default="HEAD")
@click.option("-m", "--message", default="", metavar="TEXT", help="The message of the tag.")
@click.option("-d", "--delete", is_flag=True, help="Delete the tag.")
@click.option("-f", "--force", is_flag=True, help="Move the tag when there is one.")
@repository_option
@shared(quiet="Print names alone.")
def tag(
    face: Face,
    name: str | None,
    version: str,
    message: str,
    delete: bool,
    force: bool,
    repo: str | None,
) -> None:
    """List tags, name a version, or delete a name.

    \b
    Examples:
      anew weights tag
      anew weights tag v1.0 -m "what the paper reports"
      anew weights tag --delete v1.0
    """
    repository = open_repository(face, repo)
    if name and delete:
        repository.delete_tag(name)
    elif name:
        repository.tag(name, version, message=message, force=force)
    _names(face, repository.tags())


@weights.command()
@click.argument("version")
@click.option(
    "--strategy",
    type=click.Choice(_STRATEGIES),
    help="How to resolve tensors that both sides changed.",
)
@click.option("-m", "--message", metavar="TEXT", help="The message of the merge.")
@repository_option
@shared(quiet="Print the hash alone.")
def merge(
    face: Face, version: str, strategy: str | None, message: str | None, repo: str | None
) -> None:
    """Merge a version into the current branch, tensor by tensor.

    Tensors that both sides changed are conflicts: they are named, and --strategy decides them. `average`
    takes the mean of floating-point tensors.

    \b
    Examples:
      anew weights merge topic
      anew weights merge topic --strategy average
    """
    repository = open_repository(face, repo)
    made = repository.merge(version, strategy=strategy, message=message)
    face.out.emit(
        commit_json(made),
        ids=[made.commit_hash],
        table=f"[{repository.branch_name} {made.short}] {one_line(made.message)}",
    )


@weights.command()
@repository_option
@shared(quiet="Print the branch alone.")
def status(face: Face, repo: str | None) -> None:
    """Say which branch commits go to, and its newest version.

    \b
    Examples:
      anew weights status
      anew weights status --json
    """
    found = open_repository(face, repo).status()

    def document() -> object:
        made = commit_json(found.commit) if found.commit else None
        return {"branch": found.branch, "commit": made}

    def table() -> None:
        where = f"On {found.branch}" if found.branch else "On no branch"
        newest = (
            f"at {found.commit.short} {one_line(found.commit.message)}"
            if found.commit
            else "with no commit yet"
        )
        face.out.line(f"{where}, {newest}.")

    face.out.emit(document, ids=[found.branch or ""], table=table)


def _no_version(repository: Repository) -> str:
    """What to say where the branch that people are on has no version."""
    others = list(repository.branches())
    if not others:
        return "There is no version yet: `anew weights commit FILE -m …` makes one."
    here = one_line(repository.branch_name or "here")
    return f"There is no version on {here}; `anew weights branch` lists the branches, such as {one_line(others[-1])}."


def commit_json(made: Commit) -> dict[str, Any]:
    """A commit with the keys of the reference."""
    return {
        "commit_hash": made.commit_hash,
        "parents": list(made.parents),
        "author": made.author,
        "time": made.time,
        "message": made.message,
        "experiment": made.experiment,
        "step": made.step,
        "metadata": made.metadata,
        "tensor_count": made.tensors,
        "bytes": made.nbytes,
    }


def _names(face: Face, names: dict[str, str], current: str | None = None) -> None:
    def table() -> None:
        for name, at in names.items():
            mark = "* " if name == current else "  "
            face.out.line(f"{mark if current else ''}{one_line(name)}  {at[:12]}")

    face.out.emit(
        {"current": current, "names": names} if current else {"names": names},
        ids=names,
        table=table,
    )


def _form(dtype: str, shape: tuple[int, ...]) -> str:
    return f"{dtype} [{', '.join(map(str, shape))}]"
