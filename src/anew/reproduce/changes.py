"""What a re-run has otherwise than its plan says: a file, a variable, a package, the number of cores."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

from ..errors import ReproduceError
from .data import Checkout
from .packages import Python

__all__ = ["Changes", "Package", "install", "with_packages"]


@dataclass(frozen=True)
class Package:
    """A version of a package that a re-run imports in place of the one in its environment.

    Attributes:
        site: The folder of packages that has this version; "" where it is installed from an index.
    """

    name: str
    version: str
    site: str = ""


@dataclass(frozen=True)
class Changes:
    """What is otherwise in one re-run.

    Attributes:
        files: By path in the checkout, the file whose content lies there; None where there is no such file.
        outside: The same by path in the working directory of a program that ran outside its code.
        variables: By name, the value; None for a variable that is not set.
        packages: The packages that are imported in place of those of the environment.
        cores: On how many cores it runs.
    """

    files: Mapping[str, str | None] = field(default_factory=dict)
    outside: Mapping[str, str | None] = field(default_factory=dict)
    variables: Mapping[str, str | None] = field(default_factory=dict)
    packages: tuple[Package, ...] = ()
    cores: int | None = None

    def and_(self, other: Changes) -> Changes:
        """These changes and others, which count where both say something."""
        return Changes(
            files={**self.files, **other.files},
            outside={**self.outside, **other.outside},
            variables={**self.variables, **other.variables},
            packages=(*self.packages, *other.packages),
            cores=self.cores if other.cores is None else other.cores,
        )

    def place(self, place: Checkout) -> None:
        """Put the files where the re-run looks for them.

        Raises:
            ReproduceError: One cannot be copied.
        """
        for folder, files in ((place.work, self.files), (place.outside, self.outside)):
            for name, source in files.items():
                target = os.path.join(folder, name)
                try:
                    if os.path.lexists(target):
                        os.unlink(target)
                    if source is not None:
                        os.makedirs(os.path.dirname(target), exist_ok=True)
                        shutil.copy2(source, target, follow_symlinks=False)
                except OSError as error:
                    raise ReproduceError(
                        f"{name} cannot be put into the checkout: {error}.",
                        why="input not copied",
                    ) from None

    def applied_to(self, environ: dict[str, str]) -> dict[str, str]:
        """The variables of a re-run with these changes."""
        kept = {name: value for name, value in environ.items() if name not in self.variables}
        return kept | {n: value for n, value in self.variables.items() if value is not None}

    @contextmanager
    def on_cores(self) -> Iterator[None]:
        """Processes that are started in this time run on so many cores, if there are as many."""
        affinity = getattr(os, "sched_setaffinity", None)
        if self.cores is None or affinity is None:
            yield
            return
        before = os.sched_getaffinity(0)
        affinity(0, sorted(before)[: self.cores])
        try:
            yield
        finally:
            affinity(0, before)


def install(package: Package, python: Python, folder: str) -> str:
    """A folder to import one package from, without its dependencies; `folder` is made for it.

    Raises:
        ReproduceError: It cannot be installed; the message says what the installer said.
    """
    # Named so that its modules are known to belong to a package.
    target = os.path.join(folder, "site-packages")
    if os.path.isdir(target):
        return target
    if package.site:
        os.makedirs(target)
        for entry in _entries(package):
            os.symlink(os.path.join(package.site, entry), os.path.join(target, entry))
        return target
    pinned = f"{package.name}=={package.version}"
    uv = shutil.which("uv")
    command = (
        [uv, "pip", "install", "--quiet", "--python", python.program]
        if uv
        else [python.program, "-m", "pip", "--disable-pip-version-check", "install", "--quiet"]
    )
    done = subprocess.run(
        [*command, "--no-deps", "--target", target, pinned], capture_output=True, check=False
    )
    if done.returncode:
        shutil.rmtree(target, ignore_errors=True)
        said = (done.stderr or done.stdout).decode("utf-8", "replace").strip().splitlines()
        raise ReproduceError(
            f"{pinned} cannot be installed: {said[-1] if said else done.returncode}",
            why="packages not installed",
        )
    return target


def _entries(package: Package) -> list[str]:
    """The top of what a package has in its folder, as its RECORD lists it."""
    for name in os.listdir(package.site):
        stem, _, kind = name.rpartition(".")
        called, _, version = stem.partition("-")
        if kind != "dist-info" or version != package.version:
            continue
        if called.replace("_", "-").replace(".", "-").lower() != package.name:
            continue
        tops = {name}
        try:
            with open(os.path.join(package.site, name, "RECORD"), encoding="utf-8") as file:
                tops |= {line.split(",")[0].split("/")[0] for line in file}
        except OSError:
            pass
        return sorted(
            top for top in tops
            if top not in ("", "..", "__pycache__") and os.path.lexists(os.path.join(package.site, top))
        )  # fmt: skip
    raise ReproduceError(
        f"{package.name} {package.version} is not in {package.site}.", why="packages not installed"
    )


def with_packages(python: Python, folders: list[str]) -> Python:
    """An interpreter that imports from these folders first."""
    return replace(python, paths=[*folders, *python.paths]) if folders else python
