"""What ran in two experiments, held against each other: the modules that were loaded and the files that were read.

A checkout has what a commit and a patch have. What a program loaded or read beside that is found here: a module from the
original's folder, a file that git ignores, data that nobody declared and that is another today.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from typing import Any

from .differences import InputDifference, Side, Weight

__all__ = ["changed_while_running", "from_the_original", "not_covered", "ran_differences"]


def from_the_original(a: Side, b: Side) -> list[str]:
    """The modules that the second loaded from the folder that the first's code lay in, where its own was another."""
    root = str(a.fact("git").get("root") or "").rstrip(os.sep)
    if not root or a.captured is b.captured:
        return []
    return [path for path in _part(b, "modules") if path.startswith(root + os.sep)]


def changed_while_running(side: Side) -> list[str]:
    """The modules that were changed between their import and the end: what was saved of them is not what ran."""
    found = side.fact("ran").get("changed")
    return [path for path in found if isinstance(path, str)] if isinstance(found, list) else []


def ran_differences(
    a: Side, b: Side, sides: tuple[str, str] = ("the original", "the re-run")
) -> Iterator[InputDifference]:
    """How what ran differs, as far as both were recorded to their end."""
    if "ran" not in a.captured or "ran" not in b.captured:
        return
    roots = _roots(a), _roots(b)
    yield from _modules(a, b, sides)
    yield from _folders(a, b, sides)
    yield from _files(a, b, sides, roots)
    for side, name in zip((a, b), sides, strict=True):
        for path in changed_while_running(side):
            text = f"{path} was changed after it was imported in {name}: what was saved is not what ran"
            yield InputDifference("code", path, None, None, "likely", text)


def _modules(a: Side, b: Side, sides: tuple[str, str]) -> Iterator[InputDifference]:
    x, y = _part(a, "modules"), _part(b, "modules")
    told = set(from_the_original(a, b))
    for path in sorted(told):
        text = f"{path} was loaded from the original's folder"
        yield InputDifference("code", path, None, y[path], "likely", text)
    for path in sorted({*x, *y} - told):
        if path in x and path in y and (x[path] == y[path] or None in (x[path], y[path])):
            continue
        if path in x and path in y:
            text = f"the module {path} is another: its content changed"
            yield InputDifference("code", path, x[path], y[path], "likely", text)
        else:
            which = sides[0] if path in x else sides[1]
            text = f"the module {path} was loaded by {which} alone"
            yield InputDifference("code", path, x.get(path), y.get(path), "possible", text)


def _files(
    a: Side, b: Side, sides: tuple[str, str], roots: tuple[str, str]
) -> Iterator[InputDifference]:
    x, y = _part(a, "read"), _part(b, "read")
    declared = {str(fact.get("path")) for side in (a, b) for fact in side.fact("inputs").values() if isinstance(fact, Mapping)}  # fmt: skip
    for path in sorted({*x, *y}):
        if _is_declared(path, roots, declared):
            continue
        size_a, time_a, sum_a = _file(x.get(path))
        size_b, time_b, sum_b = _file(y.get(path))
        if path in x and path in y:
            if sum_a and sum_b:
                if sum_a != sum_b:
                    text = f"{path} was read, and its content has changed"
                    yield InputDifference("data", path, sum_a, sum_b, "likely", text)
            elif size_a != size_b:
                text = f"{path} was read, and its size has changed: {size_a} → {size_b} bytes"
                yield InputDifference("data", path, size_a, size_b, "likely", text)
            elif time_a != time_b and os.path.isabs(path):
                text = f"{path} was read, and was written to since"
                yield InputDifference("data", path, time_a, time_b, "possible", text)
        elif path in x:
            where = (
                "is in no commit and not declared"
                if not os.path.isabs(path)
                else "was not declared"
            )
            text = f"{path} was read by {sides[0]} alone; it {where}"
            weight: Weight = "possible" if os.path.isabs(path) else "likely"
            yield InputDifference("data", path, sum_a or size_a, None, weight, text)


def _folders(a: Side, b: Side, sides: tuple[str, str]) -> Iterator[InputDifference]:
    """Folders of which so many files were read that only their lists of files are known."""
    x, y = _part(a, "read_folders"), _part(b, "read_folders")
    for path in sorted({*x} & {*y}):
        (count_a, size_a, sum_a), (count_b, size_b, sum_b) = _file(x[path]), _file(y[path])
        if (count_a, size_a, sum_a) != (count_b, size_b, sum_b):
            text = f"the folder {path} was read, and its files have changed: {count_a} → {count_b} files, {size_a} → {size_b} bytes"
            yield InputDifference("data", path, sum_a, sum_b, "likely", text)
    for path in sorted({*x} - {*y}):
        text = f"the folder {path} was read by {sides[0]} alone"
        yield InputDifference("data", path, _file(x[path])[2], None, "possible", text)


def not_covered(side: Side) -> list[str]:
    """The packages that an experiment had loaded and whose native code reads files unseen."""
    found = side.fact("ran").get("not_covered")
    return [name for name in found if isinstance(name, str)] if isinstance(found, list) else []


def _roots(side: Side) -> str:
    return str(side.fact("git").get("root") or "").rstrip(os.sep)


def _is_declared(path: str, roots: tuple[str, str], declared: set[str]) -> bool:
    places = [path] if os.path.isabs(path) else [os.path.join(root, path) for root in roots]
    return any(
        place == one or place.startswith(one.rstrip(os.sep) + os.sep)
        for place in places
        for one in declared
    )


def _part(side: Side, what: str) -> dict[str, Any]:
    found = side.fact("ran").get(what)
    return dict(found) if isinstance(found, Mapping) else {}


def _file(fact: Any) -> tuple[Any, Any, Any]:
    if isinstance(fact, (list, tuple)) and len(fact) == 3:
        return fact[0], fact[1], fact[2]
    return None, None, None
