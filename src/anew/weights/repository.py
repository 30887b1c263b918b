"""Repository: versions of model weights with commits, branches and tags."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable, Iterable, Mapping
from types import TracebackType
from typing import Any

from anew.blobs.protocol import Blobs
from anew.errors import InvalidName, NotFound, WeightsError
from anew.record.plain import parse_json
from anew.weights.bundle import Weights
from anew.weights.changes import Diff, Status, compare, staged_changes
from anew.weights.collect import Collected, collect
from anew.weights.combine import merge
from anew.weights.committing import commit_staged
from anew.weights.elsewhere import Elsewhere
from anew.weights.fetched import FetchedObjects, ShownBlobs
from anew.weights.history import History
from anew.weights.lease import GRACE
from anew.weights.model import model_to_weights
from anew.weights.names import check_ref_name
from anew.weights.objects import Objects
from anew.weights.opening import BLOCK_SIZE, open_weights, read_format, write_format
from anew.weights.records import Commit
from anew.weights.refs import HEADS, TAGS, Ref, RefStore
from anew.weights.remote import pull_into, push_from
from anew.weights.snapshot import Snapshot
from anew.weights.stage import Stager
from anew.weights.transfer import Progress, Sent
from anew.weights.usage import Usage, usage
from anew.weights.verify import Health, verify

__all__ = ["Repository"]

_HEAD = "HEAD"
_MAIN = "main"
_TRIES = 100


class Repository:
    """Versions of model weights, with the commits, branches and tags that git has for code.

    ```python
    repo = Repository("weights", init=True)
    repo.stage_weights(model_to_weights(model))
    commit = repo.commit("epoch 3")
    weights = repo.get_all_weights(commit.commit_hash)
    ```

    Args:
        path: the address of a folder or a bucket (`s3://bucket/prefix`, `gs://…`, `az://…`), or what a server keeps, which can
            be read (see `Store.weights`).
        init: make the repository if there is none.
        branch: the branch this object commits to, instead of the one the repository is on.
        author: who commits, unless `commit` says otherwise; by default user@host.
        durable: wait for the disk at every commit. Without it a power failure may lose commits.
        options: what obstore needs besides the URL, such as `endpoint` or `region`.

    A repository may be used by many processes and machines at once. One object is not meant to
    stage from two threads at the same time.

    Raises:
        NotFound: there is no repository and `init` is not set.
        InvalidSetting: the path is not the address of a folder or a bucket.
        UnknownFormat: a newer version of Anew made it.
    """

    def __init__(
        self,
        path: str | os.PathLike[str] | Elsewhere = "experiments/weights",
        init: bool = False,
        *,
        branch: str | None = None,
        author: str | None = None,
        durable: bool = True,
        options: dict[str, Any] | None = None,
    ) -> None:
        self._blobs: Blobs
        if isinstance(path, (str, os.PathLike)):
            self._blobs = open_weights(path, durable=durable, options=options)
            if init:
                write_format(self._blobs, BLOCK_SIZE)
            block_size = read_format(self._blobs)
            self._objects = Objects(self._blobs)
        else:
            self._blobs = ShownBlobs(path)
            block_size = read_format(self._blobs)
            self._objects = FetchedObjects(path, block_size)
        self._heads = RefStore(self._blobs, HEADS)
        self._tags = RefStore(self._blobs, TAGS)
        self._history = History(self._blobs, block_size, self._objects, self._heads, self._tags)
        self._branch = check_ref_name(branch, "branch") if branch is not None else None
        self._author = author
        self._stager: Stager | None = None
        self._lock = threading.RLock()
        self._objects.refresh()

    @property
    def history(self) -> History:
        """The commits, and the objects and refs that keep them: what a transfer works on."""
        return self._history

    @property
    def url(self) -> str:
        """Where the repository is."""
        return self._blobs.url

    def __repr__(self) -> str:
        return f"<Repository {self.url}>"

    def __enter__(self) -> Repository:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.unstage()

    # --- committing ------------------------------------------------------------------------

    def stage_weights(self, weights: Any, *, optimizer: Any = None, update: bool = False) -> int:
        """Store tensors for the next commit; they are read now, so later changes do not matter.

        Several calls before one commit add up. The commit will hold exactly what was staged; with
        `update`, also the tensors of the current commit that were not staged again.

        Args:
            weights: what `model_to_weights` gave, or anything it takes.
            optimizer: as in `model_to_weights`.
            update: start from the current commit's tensors.

        Returns:
            How many tensors are staged now.

        Raises:
            InvalidValue, InvalidName: a tensor that cannot be kept.
        """
        ready = model_to_weights(weights, optimizer=optimizer)
        with self._lock:
            stager = self._stager or Stager(self._blobs, self._objects, self._history.block_size)
            try:
                head = self._head_commit()
                previous = self._history.tensors_before(head)
                if update and head is not None and not stager.entries:
                    stager.keep({e.name: e for e in self._history.tree(head).tensors})
                    stager.structure.update(parse_json(self._history.tree(head).structure))
                stager.add(ready, previous)
            except BaseException:
                stager.close()
                self._stager = None
                raise
            self._stager = stager
            return sum(not entry.hidden for entry in stager.entries.values())

    @property
    def is_staged(self) -> bool:
        """Whether weights are staged, so that a commit can be made."""
        return self._stager is not None

    def unstage(self) -> None:
        """Forget what was staged since the last commit."""
        with self._lock:
            if self._stager is not None:
                self._stager.close()
                self._stager = None

    def commit(
        self,
        message: str,
        author: str | None = None,
        experiment: str | None = None,
        step: int | None = None,
        metadata: Mapping[str, Any] | None = None,
    ) -> Commit:
        """Make a version of what is staged, on the current branch.

        When another process committed to the branch meanwhile, this commit follows that one.

        Args:
            message: what this version is.
            author: who made it.
            experiment: the id or prefix of the experiment it came from.
            step: the training step it was taken at.
            metadata: anything plain worth keeping with it.

        Raises:
            WeightsError: nothing is staged.
            InvalidValue: metadata that is not plain data.
        """
        with self._lock:
            if self._stager is None:
                raise WeightsError(
                    "Nothing is staged. Call stage_weights(model_to_weights(model)) before commit."
                )
            stager, self._stager = self._stager, None
            try:
                commit = commit_staged(
                    self._history,
                    stager,
                    self._branch_to_move("a new commit would be lost. Make a branch"),
                    message=message,
                    author=author or self._author,
                    experiment=experiment,
                    step=step,
                    metadata=metadata,
                )
                assert commit is not None  # without an expectation it succeeds or raises
                return commit
            finally:
                stager.close()

    # --- reading ---------------------------------------------------------------------------

    def get_all_weights(self, ref: str = "HEAD", *, skip_damaged: bool = False) -> Weights:
        """All tensors of a version as numpy arrays of their own, verified, bit for bit.

        Args:
            ref: a commit hash or its start, a branch, a tag, HEAD; `~2` after it goes two back.
            skip_damaged: leave out tensors that cannot be read; `.damaged` of the result names them.

        Raises:
            NotFound: nothing goes by that name.
            CorruptData: a tensor is damaged; the message names it.
        """
        return self.open(ref).all(skip_damaged=skip_damaged)

    def get_weight(self, name: str, ref: str = "HEAD", *, rows: slice | int | None = None) -> Any:
        """One tensor of a version, or rows of it, without reading the rest."""
        return self.open(ref).read(name, rows)

    def open(self, ref: str = "HEAD") -> Snapshot:
        """A version whose tensors are read when they are looked up."""
        commit = self.show(ref)
        return Snapshot(self._objects, commit, self._history.tree(commit))

    def load_into(self, target: Any, ref: str = "HEAD") -> Any:
        """Put a version into a torch module, an optimizer or a Keras model, tensor by tensor."""
        return self.open(ref).load_into(target)

    # --- history ---------------------------------------------------------------------------

    def show(self, ref: str = "HEAD") -> Commit:
        """The commit that a name means."""
        head = self._head_hash() if ref.startswith("HEAD") or ref[:1] in ("~", "^", "") else None
        return self._history.resolve(ref, head)

    def log(
        self, ref: str = "HEAD", *, limit: int | None = None, experiment: str | None = None
    ) -> list[Commit]:
        """The commits that lead to a version, newest first; empty before the first commit."""
        if ref == "HEAD" and self._head_hash() is None:
            return []
        found: list[Commit] = []
        for commit in self._history.walk([self.show(ref).commit_hash]):
            if limit is not None and len(found) >= limit:
                break
            if experiment is None or commit.experiment == experiment:
                found.append(commit)
        return found

    def diff(self, old: str, new: str = "HEAD", *, norms: bool = True) -> Diff:
        """What differs between two versions, tensor by tensor; without `norms` none is read."""
        return compare(self.open(old), self.open(new), norms=norms)

    def status(self) -> Status:
        """The branch, its commit, and what is staged: added, changed and removed names."""
        commit = self._head_commit()
        staged = {}
        if self._stager is not None:
            staged = staged_changes(self._history.tensors_before(commit), self._stager.entries)
        return Status(self.branch_name, commit, staged)

    # --- branches and tags -----------------------------------------------------------------

    @property
    def branch_name(self) -> str | None:
        """The branch that commits go to; None when a commit itself is checked out."""
        return self._branch if self._branch is not None else self._head().get("branch")

    def branches(self) -> dict[str, str]:
        """The branches and the commits they are at."""
        return self._heads.commits()

    def tags(self) -> dict[str, str]:
        """The tags and the commits they name."""
        return self._tags.commits()

    def branch(self, name: str, at: str = "HEAD", *, force: bool = False) -> Commit:
        """Make a branch at a version; `force` moves an existing one."""
        return self._set(self._heads, check_ref_name(name, "branch"), at, "branch", force=force)

    def tag(self, name: str, at: str = "HEAD", *, message: str = "", force: bool = False) -> Commit:
        """Give a version a name that stays."""
        return self._set(self._tags, check_ref_name(name, "tag"), at, "tag", message, force=force)

    def delete_branch(self, name: str) -> None:
        """Delete a branch; its commits stay until a gc when nothing else leads to them."""
        if self._branch is None and self._head().get("branch") == name:
            raise WeightsError(f"You are on the branch {name!r}. Check out another one first.")
        self._delete(self._heads, name, "branch")

    def delete_tag(self, name: str) -> None:
        """Delete a tag."""
        self._delete(self._tags, name, "tag")

    def ref_history(self, name: str) -> list[Ref]:
        """Where a branch or tag pointed before, newest first: the way back after a mistake."""
        return self._heads.history(name) or self._tags.history(name)

    def checkout(self, ref: str, *, to: str | os.PathLike[str] | None = None) -> Commit:
        """Go to a branch (or commit), or write a version to the file `to`.

        With `to` the branch stays; the file is .safetensors, .npz or .pt.
        """
        if to is not None:
            snapshot = self.open(ref)
            snapshot.save(os.fspath(to))
            return snapshot.commit
        commit = self.show(ref)
        is_branch = self._heads.read(ref).commit is not None if _may_be_ref(ref) else False
        body = {"branch": ref} if is_branch else {"commit": commit.commit_hash}
        self.unstage()
        self._blobs.replace(_HEAD, json.dumps(body).encode())
        self._branch = None
        return commit

    def merge(self, ref: str, *, strategy: str | None = None, message: str | None = None) -> Commit:
        """Merge a version into the current branch: fast-forward, or three-way per tensor.

        Args:
            ref: what to merge.
            strategy: what becomes of tensors both sides changed: ours, theirs or average.
            message: of the merge commit.

        Raises:
            MergeConflict: both sides changed a tensor and there is no strategy; names them.
        """
        with self._lock:
            if self._stager is not None:
                raise WeightsError(
                    "There are staged tensors. Commit or unstage() them before a merge."
                )
            theirs = self.show(ref)
            branch = self._branch_to_move("there is nothing to merge into. Make a branch")
            return merge(
                self._history,
                branch,
                theirs,
                strategy=strategy,
                message=message or f"Merge {ref} into {branch}",
                author=self._author,
            )

    # --- care ------------------------------------------------------------------------------

    def gc(
        self,
        *,
        dry_run: bool = False,
        grace: float = GRACE,
        progress: Callable[[str], None] | None = None,
    ) -> Collected:
        """Free what no branch or tag leads to and is older than `grace` seconds.

        Safe beside other processes: with writers at work nothing is deleted, and it says so.
        """
        return collect(self._history, dry_run=dry_run, grace=grace, progress=progress)

    def fsck(self, *, progress: Progress | None = None) -> Health:
        """Verify every object and every ref; names what is damaged and what is lost by it."""
        return verify(self._history, progress=progress)

    def du(self) -> Usage:
        """The size of every version: in memory, and what it added here."""
        return usage(self._history)

    def push(
        self,
        other: Repository | str | os.PathLike[str],
        branches: Iterable[str] | None = None,
        *,
        tags: bool = True,
        force: bool = False,
        progress: Progress | None = None,
    ) -> Sent:
        """Send branches (the current one by default) and what they need; makes `other` if needed.

        Raises:
            WeightsError: `other` has commits on the branch that this repository has not.
        """
        return push_from(
            self._history,
            _opened(other, init=True).history,
            self._named(branches),
            tags=tags,
            force=force,
            progress=progress,
        )

    def pull(
        self,
        other: Repository | str | os.PathLike[str],
        branches: Iterable[str] | None = None,
        *,
        tags: bool = True,
        strategy: str | None = None,
        verify: bool = False,
        progress: Progress | None = None,
    ) -> Sent:
        """Fetch branches (the current one by default) and bring these here up to date with them.

        A branch that has commits of its own here is merged with `strategy`. With `verify`, objects
        that are damaged here are fetched again.
        """
        return pull_into(
            self._history,
            _opened(other).history,
            self._named(branches),
            tags=tags,
            strategy=strategy,
            verify=verify,
            author=self._author,
            progress=progress,
        )

    # --- inside ----------------------------------------------------------------------------

    def _named(self, branches: Iterable[str] | None) -> list[str]:
        """The branches that are meant: the current one, if none is named."""
        return [self.branch_name or ""] if branches is None else list(branches)

    def _branch_to_move(self, otherwise: str) -> str:
        branch = self.branch_name
        if branch is None:
            raise WeightsError(
                f"You are at a commit and not on a branch, so {otherwise} here with "
                "repo.branch(name) and repo.checkout(name)."
            )
        return branch

    def _head(self) -> dict[str, str]:
        try:
            body = parse_json(self._blobs.read(_HEAD))
            if isinstance(body, dict) and ("branch" in body or "commit" in body):
                return body
        except (FileNotFoundError, ValueError):
            # Which branch is current is a convenience; a lost or broken note means the first one.
            pass
        return {"branch": _MAIN}

    def _head_hash(self) -> str | None:
        branch = self.branch_name
        return self._heads.read(branch).commit if branch is not None else self._head().get("commit")

    def _head_commit(self) -> Commit | None:
        found = self._head_hash()
        return self._history.commit(found) if found is not None else None

    def _set(
        self, store: RefStore, name: str, at: str, kind: str, message: str = "", *, force: bool
    ) -> Commit:
        commit = self.show(at)
        for _ in range(_TRIES):
            seen = store.read(name)
            if seen.commit is not None and not force:
                if seen.commit == commit.commit_hash:
                    return commit
                raise WeightsError(
                    f"The {kind} {name!r} is already at {seen.commit[:12]}. Choose another name, or "
                    "force to move it."
                )
            if store.move(seen, commit.commit_hash, reason=kind, message=message):
                return commit
        raise WeightsError(f"The {kind} {name!r} is being moved by other processes. Try again.")

    def _delete(self, store: RefStore, name: str, kind: str) -> None:
        for _ in range(_TRIES):
            seen = store.read(name)
            if seen.commit is None:
                raise NotFound(f"There is no {kind} {name!r}.", name=name)
            if store.move(seen, None, reason="delete"):
                return


def _opened(other: Repository | str | os.PathLike[str], *, init: bool = False) -> Repository:
    return other if isinstance(other, Repository) else Repository(other, init=init)


def _may_be_ref(name: str) -> bool:
    try:
        check_ref_name(name, "branch")
    except InvalidName:
        return False
    return True
