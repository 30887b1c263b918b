"""What a verdict rests on: which parts of a recipe are known to have been the same in both runs, which differ, which are unknown."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from ..record.captures import recorded_hash
from .differences import InputDifference, Side, parse_requirements

__all__ = ["Statement", "evidence"]


@dataclass(frozen=True)
class Statement:
    """One part of the recipe.

    Attributes:
        what: code, packages, Python, data, seed, hardware or command.
        state: "same" where both are known and equal, "differs" where they are not, "unknown" where one was not captured
            or is not what was recorded.
        text: What is known of it, in a few words.
    """

    what: str
    state: Literal["same", "differs", "unknown"]
    text: str


def evidence(a: Side, b: Side, differences: list[InputDifference]) -> list[Statement]:
    """What is known of the parts of two recipes, `b` being the run that is held against `a`.

    Args:
        differences: What `captured_differences` found between them.
    """
    kinds = {one.kind for one in differences}
    return [
        *_code(a, b, "code" in kinds),
        *_packages(a, b, "package" in kinds),
        *_python(a, b, "python" in kinds),
        *_data(a, b, "data" in kinds),
        *_seed(a, b, bool(kinds & {"seed", "random state"})),
        *_simple("hardware", a.fact("hardware"), b.fact("hardware"), "hardware" in kinds),
        *_simple("command", a.fact("command"), b.fact("command"), "command" in kinds),
    ]


def _code(a: Side, b: Side, differs: bool) -> Iterator[Statement]:
    facts = a.fact("git"), b.fact("git")
    if not all(facts):
        yield Statement("code", "unknown", "the code of one run was not captured")
        return
    for side, git in zip((a, b), facts, strict=True):
        if git.get("patch") and not side.read("git.patch"):
            yield Statement(
                "code", "unknown", "the recorded patch is gone or was changed since it was recorded"
            )
            return
    if differs:
        yield Statement("code", "differs", "the two runs had different code")
        return
    commit = facts[0].get("commit")
    where = f"commit {str(commit)[:10]}" if commit else "no commit"
    patch = recorded_hash(a.captured, "git.patch")
    changes = (
        f"uncommitted changes with the SHA-256 {patch[:10]}" if patch else "no uncommitted changes"
    )
    yield Statement("code", "same", f"{where}, {changes}")


def _packages(a: Side, b: Side, differs: bool) -> Iterator[Statement]:
    lists = [parse_requirements(side.read("requirements.txt")) for side in (a, b)]
    if not all(lists):
        yield Statement("packages", "unknown", "one list of packages is missing or was changed")
    elif differs:
        same = sum(lists[1].get(name) == version for name, version in lists[0].items())
        yield Statement("packages", "differs", f"{same} of {len(lists[0])} packages are the same")
    else:
        yield Statement("packages", "same", f"{len(lists[0])} packages")


def _python(a: Side, b: Side, differs: bool) -> Iterator[Statement]:
    x, y = a.fact("environment"), b.fact("environment")
    if not x or not y:
        yield Statement("Python", "unknown", "the environment of one run was not captured")
        return
    words = [
        f"Python {x.get('python')}",
        str(x.get("system") or ""),
        str(x.get("architecture") or ""),
    ]
    text = " ".join(word for word in words if word)
    yield Statement("Python", "differs" if differs else "same", text)


def _data(a: Side, b: Side, differs: bool) -> Iterator[Statement]:
    x, y = a.fact("inputs"), b.fact("inputs")
    if not x and not y:
        yield Statement("data", "unknown", "no inputs were declared")
        return
    hashed = sum(isinstance(one, Mapping) and bool(one.get("sha256")) for one in x.values())
    state: Literal["same", "differs", "unknown"] = "differs" if differs else "same"
    if not differs and hashed < len(x):
        state = "unknown"
    yield Statement("data", state, f"{hashed} of {len(x)} declared inputs have a SHA-256")


def _seed(a: Side, b: Side, differs: bool) -> Iterator[Statement]:
    x, y = a.fact("seeds").get("seed"), b.fact("seeds").get("seed")
    if x is None and y is None:
        yield Statement("seed", "unknown", "seed_everything was not called")
    else:
        yield Statement("seed", "differs" if differs else "same", f"seed {x}")


def _simple(
    what: str, x: Mapping[str, Any], y: Mapping[str, Any], differs: bool
) -> Iterator[Statement]:
    if not x or not y:
        yield Statement(what, "unknown", f"the {what} of one run was not captured")
        return
    if what == "hardware":
        text = str(x.get("cpu") or "")
    else:
        text = " ".join(str(word) for word in x.get("launcher") or x.get("argv") or ())
    yield Statement(what, "differs" if differs else "same", text)
