"""`RUN`: who runs what, from where; the parts a prefix is made of.

With `RUN.entry = __file__` at the top of `<project>/experiments/vision/resnet/train.py`, `RUN.path_stem`
is `vision/resnet` and `RUN.prefix()` is `alice/<project>/vision/resnet`.
"""

from __future__ import annotations

import os
import sys
import time

from .address import local_folder
from .errors import InvalidValue
from .record.names import check_prefix, folder_name

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

__all__ = ["PROJECT_MARKERS", "RUN", "RunInfo"]

PROJECT_MARKERS = (
    "pyproject.toml",
    ".git",
    "setup.py",
    "setup.cfg",
    "anew.toml",
    "environment.yml",
    "requirements.txt",
    "Pipfile",
    ".hg",
)
_EXPERIMENTS = "experiments"


class RunInfo:
    """What is known of this run; every part can be set, and follows from `entry` until it is.

    Args:
        environ: Stands for `os.environ`.
    """

    __slots__ = ("_entry", "_environ", "_project", "_project_root", "_started", "_user")

    def __init__(self, environ: Mapping[str, str] | None = None) -> None:
        self._environ = environ
        self._started = time.time()
        self._entry: str | None = None
        self._project: str | None = None
        self._project_root: str | None = None
        self._user: str | None = None

    @property
    def entry(self) -> str:
        """The script or folder that is run: set it to `__file__`, or to a sweep's folder.

        Until it is set, the script the interpreter was started with, or the working directory.
        """
        if self._entry is not None:
            return self._entry
        script = getattr(sys.modules.get("__main__"), "__file__", None)
        return os.path.abspath(script) if script else _working_directory()

    @entry.setter
    def entry(self, path: str | os.PathLike[str]) -> None:
        if not isinstance(path, (str, os.PathLike)) or not os.fspath(path):
            raise InvalidValue(
                "RUN.entry must be the path of a script or a folder, such as __file__, not "
                f"{path!r}.",
                key="entry",
            )
        self._entry = local_folder(path, what="entry", setting=None)

    @property
    def folder(self) -> str:
        """The folder of the entry, or the entry itself if it is one."""
        entry = self.entry
        if os.path.isdir(entry):
            return entry
        # A path that does not exist (yet) is a script if it looks like one.
        return os.path.dirname(entry) if os.path.isfile(entry) or "." in _base(entry) else entry

    @property
    def project_root(self) -> str:
        """The nearest folder at or above the entry with a project's marker (`PROJECT_MARKERS`).

        Without one, the folder that has `experiments` in it on the way to the entry, else the entry's own.
        """
        if self._project_root is not None:
            return self._project_root
        folder = self.folder
        for above in _upwards(folder):
            if any(os.path.exists(os.path.join(above, marker)) for marker in PROJECT_MARKERS):
                return above
        for above in _upwards(folder):
            if _base(above) == _EXPERIMENTS:
                return os.path.dirname(above)
        return folder

    @project_root.setter
    def project_root(self, path: str | os.PathLike[str]) -> None:
        self._project_root = local_folder(path, what="project's root", setting=None)

    @property
    def project(self) -> str:
        """The project's name: that of its root folder."""
        return self._project if self._project is not None else _segment(_base(self.project_root))

    @project.setter
    def project(self, name: str) -> None:
        self._project = check_prefix(name, what="project")

    @property
    def path_stem(self) -> str:
        """The entry's folder relative to the project's `experiments` folder, or to its root if outside of that.

        A script lying directly in one of them is known by its own name without the suffix.
        """
        folder = self.folder
        path = os.path.relpath(folder, self.project_root)
        parts = [part for part in path.split(os.sep) if part != "."]
        if ".." in parts:  # the entry is not in the project
            parts = [_base(folder)]
        if parts and parts[0] == _EXPERIMENTS:
            parts = parts[1:]
        if not parts:
            parts = [os.path.splitext(_base(self.entry))[0]]
        return "/".join(_segment(part) for part in parts)

    @property
    def user(self) -> str:
        """Who runs it: ANEW_USER, ML_DASH_USER, or the login name."""
        if self._user is not None:
            return self._user
        environ = os.environ if self._environ is None else self._environ
        for variable in ("ANEW_USER", "ML_DASH_USER", "USER", "LOGNAME", "USERNAME"):
            name = environ.get(variable, "").strip()
            if name:
                return _segment(name)
        try:
            import getpass

            return _segment(getpass.getuser())
        except (OSError, KeyError, ImportError):  # a user id without a name, as in some containers
            return "unknown"

    @user.setter
    def user(self, name: str) -> None:
        self._user = check_prefix(name, what="user")

    @property
    def now(self) -> datetime:
        """The local time at which Anew was first used in this process; the same for its whole life."""
        from datetime import datetime

        return datetime.fromtimestamp(self._started)

    def prefix(self, name: str | None = None) -> str:
        """`user/project/path_stem`, with `name` as one more segment if it is given.

        Raises:
            InvalidName: `name` cannot be a part of a prefix.
        """
        parts = [self.user, self.project, self.path_stem]
        if name is not None:
            parts.append(check_prefix(name, what="name"))
        return check_prefix("/".join(parts))

    def __repr__(self) -> str:
        return f"<RUN {self.user}/{self.project}/{self.path_stem} entry={self.entry!r}>"


def _working_directory() -> str:
    try:
        return os.getcwd()
    except FileNotFoundError:  # it was deleted
        return os.path.abspath(os.sep)


def _base(path: str) -> str:
    return os.path.basename(path.rstrip(os.sep))


def _upwards(folder: str) -> list[str]:
    found = [folder]
    while (parent := os.path.dirname(folder)) != folder:
        found.append(folder := parent)
    return found


def _segment(text: str) -> str:
    """`text` as a segment of a prefix, which may hold less than a folder's or a user's name can."""
    return folder_name(text)


RUN = RunInfo()
