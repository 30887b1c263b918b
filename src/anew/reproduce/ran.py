"""What ran in two experiments, held against each other: the modules that were loaded and the files that were read.

A checkout has what a commit and a patch have. What a program loaded or read beside that is found here: a module from the
original's folder, a file that git ignores, data that nobody declared and that is another today.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from typing import Any

from .differences import InputDifference, Side, Weight, in_no_commit

__all__ = ["changed_while_running", "from_the_original", "not_covered", "ran_differences"]


def from_the_original(a: Side, b: Side) -> list[str]:
    """The modules that the second loaded from the folder that the first's code lay in, where its own was another."""
    root = str(a.fact("git").get("root") or "").rstrip(os.sep)
    if not root or a.captured is b.captured:
        return []
    # An import may have gone the real way where the program was started through a link.
    roots = (root + os.sep, os.path.realpath(root) + os.sep)
    return [path for path in _part(b, "modules") if path.startswith(roots)]


def changed_while_running(side: Side) -> list[str]:
    """The modules that were changed between their import and the end: what was saved of them is not what ran."""
    found = side.fact("ran").get("changed")
    return [path for path in found if isinstance(path, str)] if isinstance(found, list) else []


def ran_differences(
    a: Side,
    b: Side,
    sides: tuple[str, str] = ("the original", "the re-run"),
    *,
    clones: bool = True,
) -> Iterator[InputDifference]:
    """How what ran differs, as far as both were recorded to their end.

    Where the second ended before it had opened its experiment, only what the first used and no commit has is known.

    Args:
        clones: As of `captured_differences`.
    """
    if "ran" not in a.captured or "ran" not in b.captured:
        if "ran" in a.captured and clones:
            yield from _not_in_the_code(a, sides[0])
        return
    roots = _roots(a), _roots(b)
    yield from _modules(a, b, sides)
    yield from _folders(a, b, sides)
    yield from _files(a, b, sides, roots, clones=clones)
    for side, name in zip((a, b), sides, strict=True):
        for path in changed_while_running(side):
            text = f"{path} was changed after it was imported in {name}: what was saved is not what ran"
            yield InputDifference("code", path, None, None, "likely", text)


def _not_in_the_code(a: Side, name: str) -> Iterator[InputDifference]:
    """What an experiment loaded or read of its own folder that a checkout of its code lacks."""
    declared = _declared(a)
    for kind, verb, part in (("code", "loaded", "modules"), ("data", "read", "read")):
        paths = [
            path
            for path in _part(a, part)
            if not os.path.isabs(path) and not _is_declared(path, (_roots(a),), declared)
        ]
        for path in sorted(in_no_commit(a, paths) or ()):
            text = f"{path} was {verb} by {name}; it is in no commit and not declared"
            yield InputDifference(kind, path, None, None, "likely", text, seen="used")


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
            yield InputDifference("code", path, x[path], y[path], "likely", text, seen="used")
        else:
            which = sides[0] if path in x else sides[1]
            text = f"the module {path} was loaded by {which} alone"
            yield InputDifference(
                "code", path, x.get(path), y.get(path), "possible", text, seen="used"
            )


def _files(
    a: Side, b: Side, sides: tuple[str, str], roots: tuple[str, str], *, clones: bool
) -> Iterator[InputDifference]:
    x, y = _part(a, "read"), _part(b, "read")
    declared = _declared(a, b)
    alone = {path for path in x.keys() - y.keys() if not os.path.isabs(path)}
    missing = (in_no_commit(a, alone) if clones else None) or set()
    for path in sorted({*x, *y}):
        if _is_declared(path, roots, declared):
            continue
        told = _file_difference(path, x.get(path), y.get(path), sides, missing=path in missing)
        if told is not None:
            yield told


def _file_difference(
    path: str, x: Any, y: Any, sides: tuple[str, str], *, missing: bool
) -> InputDifference | None:
    """How a file that was read differs; None where it is not known to.

    Args:
        missing: Whether it is in the folder of the first's code, and in no commit.
    """
    size_a, time_a, sum_a = _file(x)
    size_b, time_b, sum_b = _file(y)

    def said(a: Any, b: Any, weight: Weight, text: str) -> InputDifference:
        return InputDifference("data", path, a, b, weight, f"{path} was read{text}", seen="used")

    if x is not None and y is not None:
        if sum_a and sum_b:
            changed = sum_a != sum_b
            if not changed and time_a != time_b and os.path.isabs(path):
                return said(
                    time_a, time_b, "unlikely", ", and has the same content and another time"
                )
            return (
                said(sum_a, sum_b, "likely", ", and its content has changed") if changed else None
            )
        if size_a != size_b:
            text = f", and its size has changed: {size_a} → {size_b} bytes"
            return said(size_a, size_b, "likely", text)
        if time_a != time_b and os.path.isabs(path):
            return said(time_a, time_b, "possible", ", and was written to since")
        return None
    which = sides[0] if y is None else sides[1]
    text = f" by {which} alone" + ("; it is in no commit and not declared" if missing else "")
    weight: Weight = "likely" if missing else "possible"
    return said(sum_a or size_a, sum_b or size_b, weight, text)


def _declared(*sides: Side) -> set[str]:
    """The paths of the declared inputs."""
    return {
        str(fact.get("path"))
        for side in sides
        for fact in side.fact("inputs").values()
        if isinstance(fact, Mapping)
    }


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


def _is_declared(path: str, roots: tuple[str, ...], declared: set[str]) -> bool:
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
