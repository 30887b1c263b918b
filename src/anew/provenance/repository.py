"""Where the code lives: finding a git repository and reading its HEAD from the files alone, and calling git."""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["GitFailed", "Repository", "find_repository", "git", "git_objects"]

# Variables that a git hook sets for what it calls; they would point our calls elsewhere.
_FOREIGN = (
    "GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY", "GIT_COMMON_DIR", "GIT_PREFIX",
    "GIT_NAMESPACE", "GIT_EXTERNAL_DIFF", "GIT_DIFF_OPTS", "GIT_CEILING_DIRECTORIES",
)  # fmt: skip


class GitFailed(Exception):
    """A call of git that failed; `detail` is git's error message."""

    def __init__(self, message: str, detail: str = "") -> None:
        super().__init__(message)
        self.detail = detail


class Repository:
    """A working tree: its top folder, its own git folder and the one it shares with other worktrees."""

    __slots__ = ("common", "gitdir", "root")

    def __init__(self, root: str, gitdir: str, common: str) -> None:
        self.root = root
        self.gitdir = gitdir
        self.common = common

    @property
    def index(self) -> str:
        """The index file of this working tree."""
        return os.path.join(self.gitdir, "index")

    def head(self) -> tuple[str | None, str | None]:
        """Commit and branch, read from the files; None for what they do not say (a new repository, a
        detached HEAD, a format of references that only git itself reads)."""
        head = _first_line(os.path.join(self.gitdir, "HEAD"))
        if not head.startswith("ref: "):
            return head or None, None
        ref = head[5:].strip()
        branch = ref.removeprefix("refs/heads/")
        for folder in (self.gitdir, self.common):
            commit = _first_line(os.path.join(folder, *ref.split("/")))
            if commit:
                return commit, branch
        try:
            with open(os.path.join(self.common, "packed-refs"), encoding="utf-8") as file:
                for line in file:
                    if line.rstrip("\n").endswith(" " + ref):
                        return line.split(" ", 1)[0], branch
        except (OSError, UnicodeDecodeError):
            pass
        return None, branch if branch != ".invalid" else None


def _first_line(path: str) -> str:
    try:
        with open(path, encoding="utf-8") as file:
            return file.readline().strip()
    except (OSError, UnicodeDecodeError):
        return ""


def find_repository(folder: str) -> Repository | None:
    """The working tree that holds a folder: the nearest one above it with a `.git`."""
    folder = os.path.abspath(folder)
    while True:
        dot = os.path.join(folder, ".git")
        if os.path.isfile(os.path.join(dot, "HEAD")):
            return Repository(folder, dot, dot)
        line = _first_line(dot)
        if line.startswith("gitdir: "):  # a linked worktree, or a submodule
            gitdir = os.path.normpath(os.path.join(folder, line[8:]))
            common = _first_line(os.path.join(gitdir, "commondir"))
            return Repository(
                folder, gitdir, os.path.normpath(os.path.join(gitdir, common)) if common else gitdir
            )
        parent = os.path.dirname(folder)
        if parent == folder:
            return None
        folder = parent


def git(
    folder: str,
    *arguments: str,
    seconds: float = 20.0,
    environ: Mapping[str, str] | None = None,
    stdin: bytes = b"",
    accept: tuple[int, ...] = (0,),
) -> bytes:
    """The standard output of a call of git in a folder; it changes neither index nor configuration.

    Args:
        seconds: How long it may take.
        environ: Variables to set besides.
        accept: Exit codes that are no failure.

    Raises:
        GitFailed: git is not installed, took too long or failed.
    """
    import shlex
    import subprocess

    env = {name: value for name, value in os.environ.items() if name not in _FOREIGN}
    env |= {"GIT_OPTIONAL_LOCKS": "0", "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C", **(environ or {})}
    command = ["git", "-c", "core.quotepath=off", "-c", "core.fsmonitor=false", *arguments]
    try:
        done = subprocess.run(
            command, cwd=folder, env=env, input=stdin, capture_output=True, timeout=seconds, check=False
        )  # fmt: skip
    except FileNotFoundError:
        missing = (
            "git is not installed"
            if os.path.isdir(folder)
            else f"the folder {folder} does not exist"
        )
        raise GitFailed(missing) from None
    except subprocess.TimeoutExpired:
        raise GitFailed(f"git {arguments[0]} took more than {seconds:.0f} seconds") from None
    except OSError as error:
        raise GitFailed(f"git {arguments[0]} could not be run: {error}") from None
    if done.returncode not in accept:
        detail = done.stderr.decode("utf-8", "replace").strip()
        if "dubious ownership" in detail:
            raise GitFailed(
                f"the repository {folder} belongs to another user, so git does not read it; allow it with: "
                f"git config --global --add safe.directory {shlex.quote(folder)}",
                detail,
            )
        last = detail.splitlines()[-1] if detail else f"exit code {done.returncode}"
        raise GitFailed(f"git {arguments[0]} failed: {last}", detail)
    return done.stdout


def git_objects(folder: str, *arguments: str, sha256: bool = False) -> bytes:
    """The standard output of a call of git on the objects of a repository that somebody else may have made.

    The configuration of a repository can name programs for git to run (file system monitors, filters, hooks, transports of
    a partial clone). Here git reads the objects alone, from an empty repository that has them as its own.

    Args:
        folder: A folder of the working tree.
        sha256: Whether its objects are named by SHA-256.

    Raises:
        GitFailed: git is not installed, took too long or failed, or the folder is in no repository.
    """
    import tempfile

    repository = find_repository(folder)
    objects = os.path.join(repository.common, "objects") if repository is not None else ""
    if not os.path.isdir(objects):
        raise GitFailed(f"{folder} is in no git repository")
    with tempfile.TemporaryDirectory(prefix="anew-objects-") as empty:
        os.makedirs(os.path.join(empty, "refs"))
        os.makedirs(os.path.join(empty, "objects"))
        with open(os.path.join(empty, "HEAD"), "w", encoding="ascii") as file:
            file.write("ref: refs/heads/none\n")
        with open(os.path.join(empty, "config"), "w", encoding="ascii") as file:
            version = "1\n[extensions]\nobjectformat = sha256" if sha256 else "0"
            file.write(f"[core]\nbare = true\nrepositoryformatversion = {version}\n")
        environ = {
            "GIT_DIR": empty,
            "GIT_OBJECT_DIRECTORY": os.path.abspath(objects),
            "GIT_ALLOW_PROTOCOL": "",
            "GIT_NO_REPLACE_OBJECTS": "1",
        }
        return git(empty, *arguments, environ=environ)
