"""The state of the code: commit, branch, remotes, submodules, and a patch of everything uncommitted."""

from __future__ import annotations

import os

from ..journal.layout import ExperimentLayout
from ..record.secrets import mask_text
from .patch import LeftOut, is_secret_file, new_file_patch, without_secrets
from .repository import GitFailed, Repository, git

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

__all__ = ["EMPTY_TREE", "capture_git", "capture_loose_code", "keep_commit", "looks_like_code"]

FILE_LIMIT = 1 << 20  # bytes of one untracked or changed file
PATCH_LIMIT = 10 << 20  # bytes of all of them
UNTRACKED_LIMIT = 2000  # untracked files looked at
_INDEX = "experiments.db"  # and what SQLite puts beside it
LISTED = 100  # changed paths named in the record
EMPTY_TREE = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"
# Endings and names of files that a person writes, and folders that programs write into.
_CODE = frozenset(
    [
        ".py",
        ".pyi",
        ".pyx",
        ".pxd",
        ".ipynb",
        ".sh",
        ".bash",
        ".zsh",
        ".yaml",
        ".yml",
        ".toml",
        ".cfg",
        ".ini",
        ".json",
        ".jsonnet",
        ".gin",
        ".env",
        ".c",
        ".cc",
        ".cpp",
        ".cxx",
        ".cu",
        ".cuh",
        ".h",
        ".hpp",
        ".rs",
        ".go",
        ".js",
        ".ts",
        ".r",
        ".jl",
        ".m",
        ".lua",
        ".scala",
        ".java",
        ".sql",
        ".slurm",
        ".sbatch",
        ".lock",
        ".md",
        ".rst",
        ".nix",
    ]
)
_CODE_NAMES = frozenset({"Makefile", "Dockerfile", "Snakefile", "requirements.txt", "justfile"})
_OUTPUT_FOLDERS = frozenset(
    [
        "artifacts",
        "checkpoints",
        "ckpt",
        "ckpts",
        "experiments",
        "lightning_logs",
        "log",
        "logs",
        "mlruns",
        "multirun",
        "output",
        "outputs",
        "results",
        "runs",
        "tb_logs",
        "wandb",
        "__pycache__",
        ".ipynb_checkpoints",
        ".hydra",
    ]
)
# The patch must not depend on how the user likes diffs to look.
_DIFF = (
    "diff", "--binary", "--full-index", "--no-color", "--no-ext-diff", "--no-textconv", "--no-renames", "-U3",
    "--inter-hunk-context=0", "--ignore-submodules=dirty", "--submodule=short", "--no-relative",
)  # fmt: skip


class _Status:
    """What `git status` says."""

    def __init__(self, text: bytes) -> None:
        self.commit: str | None = None
        self.branch: str | None = None
        self.changed: list[str] = []
        self.untracked: list[str] = []
        self.dirty_modules: list[str] = []
        fields = iter(text.decode("utf-8", "surrogateescape").split("\0"))
        for field in fields:
            if field.startswith("# branch.oid ") and not field.endswith("(initial)"):
                self.commit = field[13:]
            elif field.startswith("# branch.head ") and not field.endswith("(detached)"):
                self.branch = field[14:]
            elif field.startswith(("1 ", "u ")):
                words = field.split(" ", 10 if field[0] == "u" else 8)
                self._changed(words[-1], words[2])
            elif field.startswith("2 "):
                words = field.split(" ", 9)
                self._changed(words[-1], words[2])
                self._changed(next(fields, ""), "N...")
            elif field.startswith("? "):
                self.untracked.append(field[2:])

    def _changed(self, path: str, submodule: str) -> None:
        self.changed.append(path)
        if submodule.startswith("S") and ("M" in submodule[2:] or "U" in submodule[2:]):
            self.dirty_modules.append(path)


def capture_git(
    repository: Repository, *, exclude: Iterable[str] = ()
) -> tuple[dict[str, Any], dict[str, bytes]]:
    """The state of a working tree, and the patches to its current content by their names.

    `git.patch` is against its commit. `pushed.patch` is there where that commit is on no remote: it is against the newest
    commit that is (`pushed`), which a clone elsewhere can have.

    A patch has changed, deleted, new and untracked files, binary ones too, and changes inside submodules; what was
    too large or secret is in `left_out`. Neither the index nor the object store is touched.

    Args:
        exclude: Folders that are not code, such as the store's root.

    Raises:
        GitFailed: git is missing, failed or took too long.
    """
    root = repository.root
    outside = _pathspecs(root, exclude)
    status = _Status(
        git(root, "status", "--porcelain=v2", "--branch", "-z", "--untracked-files=all", *outside)
    )
    status.untracked = _without_records(root, status.untracked)
    facts: dict[str, Any] = {"commit": status.commit, "branch": status.branch}
    facts |= _configured(root)
    facts["dirty"] = bool(status.changed or status.untracked)
    left_out: LeftOut = {}
    patches: dict[str, bytes] = {}
    if facts["dirty"]:
        patch = _patch(repository, status, status.commit or EMPTY_TREE, outside, left_out)
        patch, secret, masked = without_secrets(patch)
        left_out |= secret
        if patch:
            patches["git.patch"] = patch
        names = sorted({*status.changed, *status.untracked})
        facts["changed"] = [_readable(name) for name in names[:LISTED]]
        facts["changed_count"] = len(names)
        outputs = [name for name in sorted(status.untracked) if not looks_like_code(name)]
        if outputs:
            facts["outputs"] = [_readable(name) for name in outputs[:LISTED]]
            facts["outputs_count"] = len(outputs)
        if masked:
            facts["masked"] = [_readable(name) for name in masked]
    if left_out:
        shown = sorted(left_out.items())[:LISTED]
        facts["left_out"] = {_readable(path): why for path, why in shown}
        facts["left_out_count"] = len(left_out)
    if os.path.exists(os.path.join(root, ".gitmodules")):
        facts["submodules"] = _submodules(root)
    if status.commit and (pushed := _newest_pushed(repository, status.commit)):
        from_pushed, more = _patch_from(repository, status, pushed, outside, left_out)
        facts |= more
        if from_pushed:
            patches["pushed.patch"] = from_pushed
    return facts, patches


def _newest_pushed(repository: Repository, commit: str) -> str | None:
    """The newest commit below this one that a remote has, as far as is known here; None where that is this one, or none."""
    if not os.path.isdir(os.path.join(repository.common, "refs", "remotes")):
        try:
            with open(os.path.join(repository.common, "packed-refs"), "rb") as file:
                if b" refs/remotes/" not in file.read():
                    return None
        except OSError:
            return None
    text = git(repository.root, "rev-list", "--boundary", commit, "--not", "--remotes")
    edges = [line[1:] for line in text.decode("ascii", "replace").split() if line.startswith("-")]
    if len(edges) > 1:
        newest = git(repository.root, "rev-list", "--no-walk=sorted", "--max-count=1", *edges)
        return newest.decode("ascii", "replace").strip()
    return edges[0] if edges else None


def _patch_from(
    repository: Repository, status: _Status, pushed: str, outside: list[str], left_out: LeftOut
) -> tuple[bytes, dict[str, Any]]:
    """The patch from a pushed commit to the current content, and what the record says of it."""
    facts: dict[str, Any] = {"pushed": pushed}
    changed = git(repository.root, "diff-tree", "-r", "-z", "--raw", pushed, str(status.commit))
    words = [line.split(b" ") for line in changed.split(b"\0") if line.startswith(b":")]
    blobs = b"\n".join(blob for line in words for blob in line[2:4] if blob.strip(b"0")) + b"\n"
    sizes = git(repository.root, "cat-file", "--batch-check=%(objectsize)", stdin=blobs)
    size = sum(int(one) for one in sizes.split() if one.isdigit())
    if size > PATCH_LIMIT:
        facts["pushed_why"] = f"the changes since it are of {size} bytes, more than {PATCH_LIMIT}"
        return b"", facts
    missing: LeftOut = {}
    patch, secret, masked = without_secrets(_patch(repository, status, pushed, outside, missing))
    missing |= secret
    more = {_readable(path): why for path, why in sorted(missing.items()) if path not in left_out}
    if more:
        facts["pushed_left_out"] = dict(list(more.items())[:LISTED])
    if masked:
        facts["pushed_masked"] = [_readable(name) for name in masked]
    return patch, facts


def keep_commit(repository: Repository, commit: str) -> None:
    """Keep a commit from being collected, by a reference of ours to it; nothing where it is kept already.

    Raises:
        GitFailed: git is missing, failed or took too long.
    """
    name = f"refs/anew/{commit}"
    if not os.path.exists(os.path.join(repository.common, *name.split("/"))):
        git(repository.root, "update-ref", name, commit)


def _without_records(root: str, untracked: list[str]) -> list[str]:
    """The untracked files that are not records of Anew: those of a store around or at the top of the repository, or of
    another store than the one in use."""
    known: dict[str, bool] = {"": False}

    def is_record(folder: str) -> bool:
        if folder not in known:
            above, _, name = folder.rpartition("/")
            full = os.path.join(root, *folder.split("/"))
            ours = name == ".anew" or _is_experiment(full) or _is_weights(full)
            known[folder] = is_record(above) or ours
        return known[folder]

    def is_ours(path: str) -> bool:
        folder, _, name = path.rpartition("/")
        if is_record(folder):
            return True
        store = os.path.join(root, *folder.split("/"), ".anew") if name.startswith(_INDEX) else ""
        return bool(store) and os.path.isdir(store)

    return [path for path in untracked if not is_ours(path)]


def looks_like_code(path: str) -> bool:
    """Whether a file that git does not know is one that a person wrote, rather than what a program left behind."""
    *folders, name = path.split("/")
    if not _OUTPUT_FOLDERS.isdisjoint(folders):
        return False
    return name in _CODE_NAMES or os.path.splitext(name)[1].lower() in _CODE


def _is_experiment(folder: str) -> bool:
    if not os.path.isfile(os.path.join(folder, "metadata.json")):
        return False
    return bool(ExperimentLayout(folder).writers())


def _is_weights(folder: str) -> bool:
    """Whether a folder is a repository of model weights (`docs/internals/weights-format.md`)."""
    if not os.path.isdir(os.path.join(folder, "packs")):
        return False
    try:
        with open(os.path.join(folder, "format.json"), "rb") as file:
            return b'"anew-weights"' in file.read(200)
    except OSError:
        return False


def _pathspecs(root: str, exclude: Iterable[str]) -> list[str]:
    real = os.path.realpath(root)
    inside = []
    for folder in exclude:
        relative = os.path.relpath(os.path.realpath(folder), real)
        if relative != "." and not relative.startswith(".."):
            inside.append(f":(exclude,literal){relative.replace(os.sep, '/')}")
    return ["--", ".", *inside] if inside else []


def _patch(
    repository: Repository,
    status: _Status,
    base: str,
    outside: list[str],
    left_out: LeftOut,
    within: str = "",
) -> bytes:
    import shutil
    import tempfile

    root = repository.root
    room = PATCH_LIMIT
    changed = _fitting(root, status.changed, left_out, room)
    room -= sum(changed.values())
    untracked = _fitting(root, status.untracked[:UNTRACKED_LIMIT], left_out, room)
    for path in status.untracked[UNTRACKED_LIMIT:]:
        left_out[path] = f"more than {UNTRACKED_LIMIT} untracked files"
    with tempfile.TemporaryDirectory(prefix="anew-index-") as folder:
        # A copy of the index, so that untracked files can be announced to it without touching the user's.
        index = os.path.join(folder, "index")
        try:
            # With its time: git tells by it which files it must not trust the recorded times of.
            shutil.copy2(repository.index, index)
        except FileNotFoundError:
            pass
        environ = {"GIT_INDEX_FILE": index}
        if untracked:
            names = "\0".join(untracked).encode("utf-8", "surrogateescape")
            git(
                root, "-c", "core.safecrlf=false", "add", "--intent-to-add", "--pathspec-from-file=-",
                "--pathspec-file-nul", environ=environ | {"GIT_LITERAL_PATHSPECS": "1"}, stdin=names,
            )  # fmt: skip
        skipped = [
            f":(exclude,literal,top){path}" for path in left_out if path in set(status.changed)
        ]
        spec = [*(outside or ["--", "."]), *skipped] if skipped else outside
        prefixes = (f"--src-prefix=a/{within}", f"--dst-prefix=b/{within}")
        patch = git(root, *_DIFF, *prefixes, base, *spec, environ=environ)
    for module in status.dirty_modules:
        patch += _module_patch(root, module, left_out)
    return patch


def _fitting(root: str, paths: list[str], left_out: LeftOut, room: int) -> dict[str, int]:
    """The files that are small enough to be kept, with their sizes; the others go to `left_out`."""
    kept: dict[str, int] = {}
    for path in paths:
        full = os.path.join(root, *path.split("/"))
        try:
            size = os.lstat(full).st_size
        except OSError:  # deleted: the patch says so in a few bytes
            kept[path] = 0
            continue
        if os.path.isdir(full) and not os.path.islink(full):
            # A submodule (its commit is in the record), or an untracked repository inside this one.
            if path.endswith("/"):
                left_out[path] = "a separate git repository"
            continue
        if is_secret_file(path):
            left_out[path] = "a file that usually holds secrets"
        elif size > FILE_LIMIT:
            left_out[path] = f"{size} bytes, more than {FILE_LIMIT}"
        elif size > room:
            left_out[path] = f"the patch would be larger than {PATCH_LIMIT} bytes"
        else:
            kept[path] = size
            room -= size
    return kept


def _module_patch(root: str, module: str, left_out: LeftOut) -> bytes:
    """The changes inside a submodule, with paths as seen from the outer repository."""
    from .repository import find_repository

    folder = os.path.join(root, *module.split("/"))
    inner = find_repository(folder)
    if inner is None or os.path.realpath(inner.root) != os.path.realpath(folder):
        return b""
    status = _Status(
        git(folder, "status", "--porcelain=v2", "--branch", "-z", "--untracked-files=all")
    )
    inside: LeftOut = {}
    patch = _patch(inner, status, status.commit or EMPTY_TREE, [], inside, within=f"{module}/")
    left_out.update({f"{module}/{path}": why for path, why in inside.items()})
    return patch


def _configured(root: str) -> dict[str, Any]:
    """The remotes, without passwords."""
    try:
        text = git(root, "config", "-z", "--get-regexp", r"^remote\..*\.url$", accept=(0, 1))
    except GitFailed:
        return {}
    remotes = {}
    for entry in text.decode("utf-8", "replace").split("\0"):
        key, _, url = entry.partition("\n")
        if url:
            remotes[key[len("remote.") : -len(".url")]] = mask_text(url)
    first = remotes.get("origin") or next(iter(remotes.values()), None)
    others = {name: url for name, url in remotes.items() if url != first}
    return {"remote": first, **({"remotes": remotes} if others else {})} if first else {}


def _submodules(root: str) -> dict[str, str]:
    """Path → commit of each submodule."""
    text = git(root, "submodule", "status", "--recursive")
    found = {}
    for line in text.decode("utf-8", "replace").splitlines():
        commit, _, rest = line[1:].partition(" ")
        found[rest.rsplit(" (", 1)[0]] = commit
    return found


def capture_loose_code(root: str, paths: Iterable[str]) -> tuple[dict[str, Any], bytes]:
    """The same for code outside a repository: files below a folder, as a patch against an empty tree."""
    patch, left_out = new_file_patch(root, paths, FILE_LIMIT)
    patch, secret, masked = without_secrets(patch)
    facts: dict[str, Any] = {"commit": None, "branch": None, "repository": False}
    left_out |= secret
    if left_out:
        facts["left_out"] = left_out
        facts["left_out_count"] = len(left_out)
    if masked:
        facts["masked"] = masked
    return facts, patch


def _readable(path: str) -> str:
    return path.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
