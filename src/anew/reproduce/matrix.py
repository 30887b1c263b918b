"""What differs between two or more experiments, as a table: a row for each thing that is not the same in all of them.

Two experiments are compared as `differences` does. With more, each is compared with the first one, and a row has the value
of every experiment.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..provenance.patch import sections
from ..reading.files import FileView
from ..record.plain import flatten
from .differences import InputDifference, Side, Weight, captured_differences, parse_requirements

__all__ = ["MatrixRow", "differing_files", "matrix", "outliers"]

_ORDER: dict[Weight, int] = {"likely": 0, "possible": 1, "unlikely": 2}


@dataclass(frozen=True)
class MatrixRow:
    """One thing that is not the same in all experiments.

    Attributes:
        kind: As of `InputDifference`, or "file" for a logged file.
        what: Which one: a path, a key, a package.
        values: The value of each experiment, None where it has none.
        weight: Whether it is likely to change the result.
        text: A sentence, where two experiments are compared.
        outliers: Which experiments (from 0) have another value than most of them.
    """

    kind: str
    what: str
    values: tuple[Any, ...]
    weight: Weight
    text: str = ""
    outliers: tuple[int, ...] = ()


def matrix(sides: Sequence[Side], names: Sequence[str]) -> list[MatrixRow]:
    """What was captured of the experiments and is not the same in all, the likeliest to matter first.

    Args:
        names: What to call each of them in sentences.
    """
    first, *others = sides
    found: dict[tuple[str, str], InputDifference] = {}
    for place, other in enumerate(others, 1):
        for one in captured_differences(first, other, (names[0], names[place]), clones=False):
            known = found.get((one.kind, one.what))
            if known is None or _ORDER[one.weight] < _ORDER[known.weight]:
                found[one.kind, one.what] = one
    if len(sides) == 2:
        return [
            MatrixRow(one.kind, one.what, (one.a, one.b), one.weight, one.text)
            for one in found.values()
        ]
    readers = [_Values(side) for side in sides]
    rows = []
    for one in found.values():
        values = tuple(reader.value(one.kind, one.what) for reader in readers)
        rows.append(MatrixRow(one.kind, one.what, values, one.weight, outliers=outliers(values)))
    return sorted(rows, key=lambda row: _ORDER[row.weight])


def differing_files(files: Sequence[Sequence[FileView]]) -> list[MatrixRow]:
    """Logged files of one name whose content is not the same in all; each value is the BLAKE3 of the newest."""
    newest = [{_file_name(one): one.hash for one in facts} for facts in files]
    rows = []
    for name in sorted({name for one in newest for name in one}):
        values = tuple(one.get(name) for one in newest)
        if len(set(values)) > 1:
            text = ""
            if len(values) == 2 and None in values:
                text = f"the file {name} was logged by one of the two only"
            elif len(values) == 2:
                text = f"the file {name} has other content"
            rows.append(MatrixRow("file", name, values, "unlikely", text, outliers(values)))
    return rows


def _file_name(fact: FileView) -> str:
    return f"{fact.prefix}/{fact.name}".lstrip("/")


def outliers(values: Sequence[Any]) -> tuple[int, ...]:
    """The places of the values that are not the most frequent one; none where no value is in the majority."""
    if len(values) < 3:
        return ()
    keys = [json.dumps(value, sort_keys=True, default=str) for value in values]
    (most, count), *_ = Counter(keys).most_common(1)
    if count * 2 <= len(keys):
        return ()
    return tuple(place for place, key in enumerate(keys) if key != most)


class _Values:
    """The value of one experiment for each thing that may differ."""

    def __init__(self, side: Side) -> None:
        self._side = side
        self._config = dict(flatten(side.config))
        self._params = dict(flatten(side.params))
        self._packages: dict[str, str] | None = None
        self._patches: dict[str, bytes] | None = None

    def value(self, kind: str, what: str) -> Any:
        side = self._side
        if kind == "config":
            return self._config.get(what)
        if kind == "params":
            return self._params.get(what)
        if kind == "package":
            if self._packages is None:
                self._packages = parse_requirements(side.read("requirements.txt"))
            return self._packages.get(what)
        if kind == "python":
            return side.fact("environment").get(what)
        if kind == "hardware":
            return side.fact("hardware").get(what)
        if kind == "variable":
            return side.fact("variables").get(what)
        if kind == "seed":
            return side.fact("seeds").get(what)
        if kind == "random state":
            states = side.fact("seeds").get("states", {})
            return {name: states.get(name) for name in what.split(", ")}
        if kind == "command":
            command = side.fact("command")
            return command.get("launcher") or command.get("argv")
        if kind == "data":
            declared = side.fact("inputs").get(what)
            return declared.get("sha256") if isinstance(declared, Mapping) else None
        return self._code(what)

    def _code(self, what: str) -> Any:
        git = self._side.fact("git")
        if what == "commit":
            return git.get("commit")
        if what == "git":
            return bool(git)
        modules = git.get("submodules", {})
        if what in modules:
            return modules[what]
        if self._patches is None:
            self._patches = dict(sections(self._side.read("git.patch")))
        part = self._patches.get(what)
        if part is not None:
            return part.decode("utf-8", "backslashreplace")
        return git.get("left_out", {}).get(what)
