"""The Python of a re-run: the one there is, or an environment made again from the recorded packages."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from ..errors import ReproduceError
from ..provenance.environment import find_packages, interpreter
from .differences import InputDifference, package_differences, parse_requirements
from .recipe import Recipe

__all__ = [
    "EnvironmentKind",
    "Python",
    "ask_python",
    "choose_python",
    "environment_differences",
    "make_environment",
    "recorded_packages",
]

EnvironmentKind = Literal["current", "venv", "uv"]
_ASK = (
    "import json, platform, sys; print(json.dumps([sys.path[1:], {"
    "'python': sys.version.split()[0], 'implementation': sys.implementation.name, 'executable': "
    "sys.executable, "
    "'prefix': sys.prefix, 'virtual': sys.prefix != sys.base_prefix, 'system': platform.system(), "
    "'release': platform.release(), 'architecture': platform.machine(), "
    "'libc': ' '.join(platform.libc_ver()).strip()}]))"
)


@dataclass(frozen=True)
class Python:
    """An interpreter: its program, its `sys.path` and its facts as captured."""

    program: str
    paths: list[str]
    facts: dict[str, Any]

    @property
    def packages(self) -> dict[str, str]:
        """Name → version of what is installed."""
        return {p.name: p.version for p in find_packages(self.paths)}


def ask_python(program: str, environ: Mapping[str, str] | None = None) -> Python:
    """What an interpreter says of itself.

    Raises:
        ReproduceError: It is not there, or is no Python.
    """
    found = shutil.which(program, path=(environ or os.environ).get("PATH"))
    if found is None:
        raise ReproduceError(
            f"The interpreter {program} does not exist. Give another with --python, or use --env "
            "current.",
            why="no interpreter",
        )
    if (
        environ is None
        and os.path.realpath(found) == os.path.realpath(sys.executable)
        and (os.path.dirname(os.path.abspath(found)) == os.path.dirname(sys.executable))
    ):
        return Python(sys.executable, list(sys.path), interpreter())
    try:
        done = subprocess.run(
            [found, "-c", _ASK], capture_output=True, timeout=60, check=True, env=environ
        )
        paths, facts = json.loads(done.stdout)
    except (subprocess.SubprocessError, OSError, ValueError) as error:
        raise ReproduceError(
            f"{found} is not a working Python: {error}.", why="no interpreter"
        ) from None
    return Python(os.path.abspath(found), paths, {k: v for k, v in facts.items() if v != ""})


def choose_python(recipe: Recipe, kind: EnvironmentKind, given: str | None) -> Python:
    """The interpreter to use, or to make an environment with.

    For "current" that is the one given, else the recorded one while it exists, else the one that runs us. To make an
    environment it must be of the recorded version, and is looked for: the one given, ours, the recorded one, `python3.x`
    on the path.

    Raises:
        ReproduceError: There is none, or no list of packages to make an environment from.
    """
    if given is not None:
        if kind != "current":
            recorded_packages(recipe)
        return ask_python(given)
    recorded = str(recipe.environment.get("executable") or "") if recipe.is_own else ""
    if kind == "current":
        try:
            return ask_python(recorded or sys.executable)
        except ReproduceError:  # it is gone
            return ask_python(sys.executable)
    recorded_packages(recipe)
    wanted = recipe.python_version.rsplit(".", 1)[0]
    for program in (sys.executable, recorded, f"python{wanted}", "python3"):
        try:
            python = ask_python(program) if program else None
        except ReproduceError:
            continue
        if python is not None and python.facts["python"].rsplit(".", 1)[0] == wanted:
            return python
    raise ReproduceError(
        f"{recipe.prefix} ran on Python {recipe.python_version}, and no Python {wanted} was "
        "found. Install it, give another with --python, or use --env current.",
        why="no interpreter",
    )


def environment_differences(recipe: Recipe, python: Python) -> list[InputDifference]:
    """How an interpreter and its packages differ from the recorded ones."""
    found: list[InputDifference] = []
    recorded = recipe.python_version
    if recorded and python.facts["python"] != recorded:
        text = f"Python: {recorded} → {python.facts['python']}"
        found.append(
            InputDifference("python", "python", recorded, python.facts["python"], "possible", text)
        )
    if recipe.requirements is None:
        text = f"the list of packages of {recipe.prefix} is not the one that was recorded, so packages were not compared"
        found.append(InputDifference("package", "requirements.txt", None, None, "possible", text))
    elif recipe.requirements:
        found += package_differences(parse_requirements(recipe.requirements), python.packages)
    return found


def make_environment(
    recipe: Recipe, kind: EnvironmentKind, base: Python, folder: str, work: str
) -> Python:
    """A virtual environment with the recorded packages, in `folder`.

    Raises:
        ReproduceError: The tool is missing, or a package cannot be installed; the message says what it said.
    """
    packages = recorded_packages(recipe)
    requirements = os.path.join(folder, "requirements.txt")
    target = os.path.join(folder, "venv")
    with open(requirements, "wb") as file:
        file.write(packages)
    if kind == "uv":
        uv = shutil.which("uv")
        if uv is None:
            raise ReproduceError(
                "uv is not installed; use --env venv, or install it from https://docs.astral.sh/uv.",
                why="packages not installed",
            )
        _call([uv, "venv", "--quiet", "--python", base.program, target], work)
        program = os.path.join(target, "bin", "python")
        _call([uv, "pip", "install", "--quiet", "--python", program, "-r", requirements], work)
    else:
        _call([base.program, "-m", "venv", target], work)
        program = os.path.join(target, "bin", "python")
        _call(
            [program, "-m", "pip", "--disable-pip-version-check", "install", "--quiet", "-r", requirements], work
        )  # fmt: skip
    return ask_python(program, dict(os.environ))


def recorded_packages(recipe: Recipe) -> bytes:
    """The recorded packages, to make an environment from.

    Raises:
        ReproduceError: There are none, or they are not those that were recorded.
    """
    if recipe.requirements is None:
        raise ReproduceError(
            f"environment/requirements.txt in the folder of {recipe.prefix} is not the list of packages that was "
            "recorded: it was changed or lost its content. Nothing was installed from it. Use --env current.",
            why="no packages",
        )
    if not recipe.requirements:
        raise ReproduceError(
            f"The packages of {recipe.prefix} were not captured; use --env current.",
            why="no packages",
        )
    return recipe.requirements


def _call(command: list[str], cwd: str) -> None:
    try:
        done = subprocess.run(command, cwd=cwd, capture_output=True, check=False)
    except OSError as error:
        raise ReproduceError(
            f"{command[0]} could not be run: {error}.", why="packages not installed"
        ) from None
    if done.returncode:
        said = (done.stderr or done.stdout).decode("utf-8", "replace").strip().splitlines()
        raise ReproduceError(
            "The environment could not be created: "
            f"{' '.join(command[:4])} … said: {' / '.join(said[-4:]) or done.returncode}. "
            "Use --env current to run in the current environment.",
            why="packages not installed",
        )
