"""The recorded code in a folder of its own: a git worktree of the commit, with the patch applied."""

from __future__ import annotations

import io
import os
import re
import shutil
import tarfile
import tempfile
from collections.abc import Collection, Iterator
from contextlib import contextmanager

from ..errors import ReproduceError
from ..provenance.patch import sections
from ..provenance.repository import GitFailed, find_repository, git
from .carrying import Carried, Seen
from .data import Checkout
from .recipe import Recipe

__all__ = ["check_out_next", "checkout", "find_code", "sweep"]

_OURS = re.compile(r"^anew-(\d+)-")
# Nobody's hooks run for a checkout that is not the user's.
_NO_HOOKS = ("-c", f"core.hooksPath={os.devnull}", "-c", "advice.detachedHead=false")


def find_code(recipe: Recipe, given: str | None = None) -> tuple[str, Recipe]:
    """A clone to check a recipe out from, and the recipe: the clone given, else the recorded one, else the one we are in.

    Where none has the commit, but one has the pushed commit that the record has a second patch against, the recipe is
    that commit and that patch.

    Raises:
        ReproduceError: There is none.
    """
    if recipe.commit is None:
        return "", recipe
    if given is not None:
        repository = find_repository(given)
        if repository is None:
            raise ReproduceError(
                f"{given} is not in a git repository. Give a clone of the code with --repo.",
                why="no commit",
            )
        candidates = [repository.root]
    else:
        here = find_repository(os.getcwd())
        # git runs programs that the configuration of a repository names: a folder that somebody else's record names
        # is none to run it in.
        candidates = [recipe.root] if recipe.is_own else []
        candidates += [here.root] if here is not None else []
    for one in (recipe, recipe.from_pushed()):
        for folder in candidates:
            if one is not None and os.path.isdir(folder) and _has(folder, str(one.commit)):
                return folder, one
    looked = (
        ", ".join(dict.fromkeys(candidates)) or "the working directory, which is in no repository"
    )
    short = recipe.commit[:12]
    remote = recipe.git.get("remote")
    fetch = f" (its remote is {remote})" if remote else ""
    raise ReproduceError(
        f"Commit {short} of {recipe.prefix} is not in the clone at {looked}. Fetch it: "
        f"git fetch origin {short}{fetch}; or name a clone that has it with --repo.",
        why="no commit",
    )


def _has(folder: str, commit: str) -> bool:
    try:
        git(folder, "cat-file", "-e", f"{commit}^{{commit}}")
    except GitFailed as error:
        if "not installed" in str(error):
            raise ReproduceError(
                "git is not installed; it is needed to check out the recorded code.",
                why="no git",
            ) from None
        return False
    return True


def sweep(clone: str) -> list[str]:
    """Remove worktrees that aborted attempts left in a clone; returns their folders."""
    try:
        listing = git(clone, "worktree", "list", "--porcelain").decode("utf-8", "surrogateescape")
    except GitFailed:
        return []
    removed = []
    for line in listing.splitlines():
        if not line.startswith("worktree "):
            continue
        path = line[9:]
        ours = _OURS.match(os.path.basename(os.path.dirname(path)))
        if ours and not _alive(int(ours[1])):
            _remove(clone, path)
            removed.append(os.path.dirname(path))
    return removed


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True


def _remove(clone: str, path: str) -> None:
    _remove_worktree(clone, path)
    shutil.rmtree(os.path.dirname(path), ignore_errors=True)


def _remove_worktree(clone: str, path: str) -> None:
    try:
        git(clone, "worktree", "remove", "--force", "--force", path)
    except GitFailed:
        pass
    shutil.rmtree(path, ignore_errors=True)
    try:
        git(clone, "worktree", "prune")
    except GitFailed:
        pass


@contextmanager
def checkout(recipe: Recipe, clone: str) -> Iterator[Checkout]:
    """The recorded code in a temporary folder, and an empty one, removed afterwards whatever happens.

    Raises:
        ReproduceError: The commit cannot be checked out, or the patch does not apply.
    """
    # The real path: what git prints is compared with it.
    folder = os.path.realpath(tempfile.mkdtemp(prefix=f"anew-{os.getpid()}-"))
    place = Checkout(os.path.join(folder, "code"), os.path.join(folder, "work"))
    place.clone = clone if recipe.commit is not None else ""
    try:
        os.mkdir(place.outside)
        _make(recipe, clone, place.work, ())
        yield place
    finally:
        if place.clone:
            _remove_worktree(place.clone, place.work)
        shutil.rmtree(folder, ignore_errors=True)


def check_out_next(recipe: Recipe, clone: str, place: Checkout, before: Seen) -> None:
    """Have a checkout be that of the next session, with the files that the last one wrote.

    Args:
        before: What was in the checkout when that session began.

    Raises:
        ReproduceError: The commit cannot be checked out, or the patch does not apply.
    """
    carried = Carried(place.work, before, os.path.join(os.path.dirname(place.work), "carried"))
    if place.clone:
        _remove_worktree(place.clone, place.work)
    shutil.rmtree(place.work, ignore_errors=True)
    place.clone = clone if recipe.commit is not None else ""
    _make(recipe, clone, place.work, carried.paths)
    carried.put_into(place.work)


def _make(recipe: Recipe, clone: str, work: str, without: Collection[str]) -> None:
    """Check out the commit and apply the patch, `without` the files that a session of the re-run has written itself."""
    try:
        if recipe.commit is None:
            os.mkdir(work)
            git(work, "init", "--quiet")
        else:
            git(clone, *_NO_HOOKS, "worktree", "add", "--detach", work, recipe.commit, seconds=600)
            _place_submodules(recipe, clone, work)
    except GitFailed as error:
        raise ReproduceError(
            f"The code of {recipe.prefix} cannot be checked out: {error}.",
            why="git failed",
        ) from None
    _apply(recipe, work, without)


def _apply(recipe: Recipe, work: str, without: Collection[str]) -> None:
    patch = recipe.patch
    if without:
        patch = b"".join(part for path, part in sections(patch) if path not in without)
    if not patch:
        return
    try:
        git(work, "apply", "--binary", "--whitespace=nowarn", stdin=patch)
    except GitFailed as error:
        first = next((line for line in error.detail.splitlines() if "error" in line), str(error))
        raise ReproduceError(
            f"The patch of uncommitted changes of {recipe.prefix} does not apply to commit "
            f"{(recipe.commit or 'none')[:12]}: {first}. See environment/git.patch in its folder.",
            why="patch does not apply",
        ) from None


def _place_submodules(recipe: Recipe, clone: str, work: str) -> None:
    """The files of each submodule at its recorded commit, taken from the clone's own copy of it."""
    for path, commit in recipe.submodules.items():
        source = os.path.join(clone, *path.split("/"))
        try:
            archive = git(source, "archive", "--format=tar", commit, seconds=600)
        except GitFailed as error:
            raise ReproduceError(
                f"The submodule {path} of {recipe.prefix} at commit {commit[:12]} is not in "
                f"{source} ({error}); "
                "run git submodule update --init --recursive there.",
                why="no commit",
            ) from None
        with tarfile.open(fileobj=io.BytesIO(archive)) as files:
            files.extractall(os.path.join(work, *path.split("/")), filter="tar")
