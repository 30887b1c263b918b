"""How what was captured of two runs differs: code, command, configuration, packages, seeds, hardware, data.

Each difference says where it stands (`kind` and `what`), both values, and how likely it changes a result.
"""

from __future__ import annotations

import math
import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from ..provenance.patch import sections
from ..provenance.repository import GitFailed, git_objects
from ..provenance.variables import PLACE
from ..record.captures import unchanged
from ..record.plain import flatten

__all__ = [
    "NUMERICAL",
    "InputDifference",
    "Side",
    "Weight",
    "by_weight",
    "captured_differences",
    "in_no_commit",
    "is_seed",
    "package_differences",
    "parse_requirements",
]

Weight = Literal["likely", "possible", "unlikely"]
_ORDER = {"likely": 0, "possible": 1, "unlikely": 2}
NUMERICAL = (
    "torch", "numpy", "scipy", "scikit-learn", "jax", "jaxlib", "tensorflow", "keras", "pandas", "polars", "xgboost",
    "lightgbm", "catboost", "transformers", "datasets", "tokenizers", "lightning", "pytorch-lightning", "flax", "optax",
    "cupy", "numba", "triton", "torchvision", "torchaudio", "accelerate", "timm", "gymnasium", "stable-baselines3",
)  # fmt: skip
"""Packages whose version decides numbers; the others may, and mostly do not."""


_KINDS: dict[str, dict[str, type]] = {
    "git": {"commit": str, "root": str, "left_out": Mapping, "masked": list, "submodules": Mapping},
    "seeds": {"states": Mapping},
    "command": {"argv": list, "launcher": list},
    "inputs": {"": Mapping},
}
"""The types of captured values that are looked into, by what was captured and by key; "" is any other key."""


@dataclass(frozen=True)
class InputDifference:
    """One thing that was not the same.

    Attributes:
        kind: code, command, directory, config, params, python, package, seed, random state, variable, hardware or data.
        what: Which one: a path, a key, a package.
        a: In the first experiment; None where it has none. `b` in the second.
        weight: Whether it is likely to change the result.
        text: A sentence.
        files: The files that changed between two commits.
        seen: Where code or data was seen to differ: in the patches of the two, or among what they used.
    """

    kind: str
    what: str
    a: Any
    b: Any
    weight: Weight
    text: str
    files: tuple[str, ...] = ()
    seen: Literal["", "patch", "used"] = ""

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for JSON and the record."""
        plain = {k: v for k, v in self.__dict__.items() if k not in ("files", "seen")}
        return plain | ({"files": list(self.files)} if self.files else {})


class Side:
    """What is known of one of the two: its captures, configuration and parameters."""

    def __init__(
        self,
        captured: Mapping[str, Any],
        config: Mapping[str, Any] | None = None,
        params: Mapping[str, Any] | None = None,
        read_capture: Callable[[str], bytes | None] | None = None,
    ) -> None:
        self.captured = captured
        self.config = config or {}
        self.params = params or {}
        self._read_capture = read_capture

    def fact(self, what: str) -> Mapping[str, Any]:
        """What was captured under a name, without what is not of the type that it is captured as."""
        found = self.captured.get(what)
        if not isinstance(found, Mapping):
            return {}
        kinds = _KINDS.get(what, {})
        return {
            key: value
            for key, value in found.items()
            if _is_of(kinds.get(key, kinds.get("", object)), value)
        }

    def read(self, name: str) -> bytes:
        """A captured file; empty where there is none, or where it is not the one that was recorded."""
        found = (self._read_capture(name) if self._read_capture is not None else None) or b""
        return found if unchanged(self.captured, name, found) else b""


def _is_of(kind: type, value: object) -> bool:
    if isinstance(value, list) and kind is list:
        return all(isinstance(word, str) for word in value)
    return isinstance(value, kind)


def captured_differences(
    a: Side,
    b: Side,
    sides: tuple[str, str] = ("the original", "the re-run"),
    *,
    clones: bool = True,
) -> list[InputDifference]:
    """Everything captured of both that is not the same, the likeliest to matter first.

    Among those that are as likely, what somebody chose comes first: the configuration and the parameters. The same
    setting, or the same seed, that stands in several places is one difference.

    Args:
        clones: Whether to look in the recorded folders of the code which files changed between two commits. A server never does:
            a record says which folders, and they are none of the server's.
    """
    config = list(_mapping("config", a.config, b.config))
    params = [
        one
        for one in _mapping("params", a.params, b.params)
        if (one.what, one.a, one.b) not in [(other.what, other.a, other.b) for other in config]
    ]
    found = [
        *_seeds_once([*config, *params], list(_seeds(a, b, sides))),
        *_code(a, b, sides, clones),
        *_data(a, b, sides),
        *_command(a, b),
        *_packages(a, b),
        *_python(a, b),
        *_variables(a, b),
        *_hardware(a, b),
    ]
    return by_weight(found)


def by_weight(found: Iterable[InputDifference]) -> list[InputDifference]:
    """Differences with the likeliest to matter first, as they were among those that are as likely."""
    return sorted(found, key=lambda difference: _ORDER[difference.weight])


def _code(a: Side, b: Side, sides: tuple[str, str], clones: bool) -> Iterator[InputDifference]:
    git_a, git_b = a.fact("git"), b.fact("git")
    commit_a, commit_b = git_a.get("commit"), git_b.get("commit")
    for side, facts in zip(sides, (git_a, git_b), strict=True):
        if not facts:
            yield InputDifference(
                "code", "git", None, None, "possible", f"the code of {side} was not captured"
            )
    if commit_a != commit_b and (git_a and git_b):
        text = f"the commit: {_short(commit_a)} → {_short(commit_b)}"
        changed = _files_between(git_a, git_b) if clones else None
        if changed is not None and not changed:
            text += ", which changed no file"
        weight: Weight = "likely" if changed is None or changed else "unlikely"
        files = tuple(changed or ())
        yield InputDifference("code", "commit", commit_a, commit_b, weight, text, files)
    parts_a, parts_b = (
        dict(sections(a.read("git.patch"))),
        dict(sections(b.read("git.patch"))),
    )
    if git_a.get("patch") != git_b.get("patch"):
        for path in sorted({*parts_a, *parts_b}):
            if parts_a.get(path) != parts_b.get(path):
                where = (
                    f"uncommitted changes to {path} in {sides[0]} only"
                    if path not in parts_b
                    else f"uncommitted changes to {path} in {sides[1]} only"
                    if path not in parts_a
                    else f"other uncommitted changes to {path}"
                )
                yield InputDifference(
                    "code",
                    path,
                    _text(parts_a.get(path)),
                    _text(parts_b.get(path)),
                    "likely",
                    where,
                    seen="patch",
                )
    left_a, left_b = git_a.get("left_out", {}), git_b.get("left_out", {})
    for path, why in {**left_a, **left_b}.items():
        if not (path in left_a and path in left_b):
            yield InputDifference(
                "code", path, None, None, "possible", f"{path} was left out of a patch: {why}"
            )
    modules_a, modules_b = git_a.get("submodules", {}), git_b.get("submodules", {})
    for path in sorted({*modules_a, *modules_b}):
        if modules_a.get(path) != modules_b.get(path):
            text = f"the submodule {path}: {_short(modules_a.get(path))} → {_short(modules_b.get(path))}"
            yield InputDifference(
                "code", path, modules_a.get(path), modules_b.get(path), "likely", text
            )


_COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")


def _files_between(a: Mapping[str, Any], b: Mapping[str, Any]) -> list[str] | None:
    """The files that differ between two commits; None where no clone at hand has both."""
    commits = [str(side.get("commit") or "") for side in (a, b)]
    if not all(map(_COMMIT.fullmatch, commits)):
        return None
    for root in {a.get("root"), b.get("root")}:
        if root:
            try:
                names = git_objects(
                    root, "diff", "--name-only", "-z", *commits, "--", sha256=len(commits[0]) == 64
                )
            except GitFailed:
                continue
            return [n for n in names.decode("utf-8", "backslashreplace").split("\0") if n]
    return None


def in_no_commit(side: Side, paths: Iterable[str]) -> set[str] | None:
    """Those of some files of the code that neither its commit nor its patch has; None where no clone at hand can tell.

    Args:
        paths: Relative to the top of the code.
    """
    facts = side.fact("git")
    root, commit = facts.get("root"), str(facts.get("commit") or "")
    wanted = set(paths)
    if not wanted:
        return set()
    if not root or not _COMMIT.fullmatch(commit):
        return None
    try:
        names = git_objects(
            root, "ls-tree", "-r", "--name-only", "-z", commit, sha256=len(commit) == 64
        )
    except GitFailed:
        return None
    known = set(names.decode("utf-8", "backslashreplace").split("\0"))
    known |= {name for name, _ in sections(side.read("git.patch"))}
    modules = tuple(f"{name}/" for name in facts.get("submodules", {}))
    return {path for path in wanted - known if not (modules and path.startswith(modules))}


def _data(a: Side, b: Side, sides: tuple[str, str]) -> Iterator[InputDifference]:
    found_a, found_b = a.fact("inputs"), b.fact("inputs")
    for name in sorted({*found_a, *found_b}):
        x, y = found_a.get(name), found_b.get(name)
        if x is None or y is None:
            text = f"the input {name} was declared only by {sides[0] if y is None else sides[1]}"
            yield InputDifference("data", name, _sum(x), _sum(y), "possible", text)
        elif _sum(x) != _sum(y):
            text = (
                f"the input {name} changed: {x.get('size')} → {y.get('size')} bytes, other content"
            )
            yield InputDifference("data", name, _sum(x), _sum(y), "likely", text)


def _sum(fact: Mapping[str, Any] | None) -> str | None:
    return None if fact is None else fact.get("sha256")


def _seeds(a: Side, b: Side, sides: tuple[str, str]) -> Iterator[InputDifference]:
    x, y = a.fact("seeds"), b.fact("seeds")
    seed_a, seed_b = x.get("seed"), y.get("seed")
    # A re-run that ended before its experiment was opened had no time to set one.
    ended_early = seed_b is None and "ran" in a.captured and "ran" not in b.captured
    if seed_a != seed_b and not ended_early:
        yield InputDifference(
            "seed", "seed", seed_a, seed_b, "likely", f"the seed: {seed_a} → {seed_b}"
        )
    elif not ended_early and x.get("deterministic") != y.get("deterministic"):
        text = "deterministic algorithms were requested in only one of them"
        yield InputDifference(
            "seed", "deterministic", x.get("deterministic"), y.get("deterministic"), "likely", text
        )
    states_a, states_b = x.get("states", {}), y.get("states", {})
    others = [
        library
        for library in sorted({*states_a} & {*states_b})
        if states_a[library] != states_b[library]
    ]
    if others:
        names = ", ".join(others)
        a_states, b_states = (
            {one: states[one] for one in others} for states in (states_a, states_b)
        )
        text = f"the random state of {names} was not the same when the experiment was opened"
        # A program that seeds itself may do so later.
        weight: Weight = "possible" if seed_a is None and seed_b is None else "likely"
        yield InputDifference("random state", names, a_states, b_states, weight, text)


_SEED = re.compile(r"(^|[._])(random_?)?(seed|state)$", re.IGNORECASE)


def is_seed(key: str) -> bool:
    """Whether a key of a configuration is that of a seed, by its name."""
    return bool(_SEED.search(key))


def _seeds_once(
    settings: list[InputDifference], seeds: list[InputDifference]
) -> Iterator[InputDifference]:
    """Settings, then what is known of the seeds; a seed that a setting or the seed itself explains is not said again."""
    given = [one for one in settings if is_seed(one.what)]
    changed = [one for one in seeds if one.what == "seed"]
    for one in settings:
        if not (given and one in given[1:] and (one.a, one.b) == (given[0].a, given[0].b)):
            yield one
    for one in seeds:
        explained = one.what == "seed" and any(
            (one.a, one.b) == (other.a, other.b) for other in given
        )
        # Other seeds make other random states.
        follows = one.kind == "random state" and bool(changed)
        if not explained and not follows:
            yield one


def _mapping(kind: str, a: Mapping[str, Any], b: Mapping[str, Any]) -> Iterator[InputDifference]:
    flat_a, flat_b = dict(flatten(a)), dict(flatten(b))
    for key in sorted({*flat_a, *flat_b}):
        x, y = flat_a.get(key), flat_b.get(key)
        both_nan = isinstance(x, float) and isinstance(y, float) and math.isnan(x) and math.isnan(y)
        if key in flat_a and key in flat_b and ((x == y and type(x) is type(y)) or both_nan):
            continue
        shown = [repr(flat[key]) if key in flat else "not there" for flat in (flat_a, flat_b)]
        text = f"{kind} {key}: {shown[0]} → {shown[1]}"
        yield InputDifference(kind, key, x, y, "likely", text)


def _command(a: Side, b: Side) -> Iterator[InputDifference]:
    # What started all ranks, where a launcher did; a re-run has it as its command.
    x, y = (c.get("launcher") or c.get("argv") for c in (a.fact("command"), b.fact("command")))
    # The interpreter's path and the folder of the code are the place, not the command.
    if x and y and _placeless(a, x) != _placeless(b, y):
        text = f"the command: {' '.join(x)} → {' '.join(y)}"
        yield InputDifference("command", "arguments", x, y, "likely", text)
    at_a, at_b = _folder(a), _folder(b)
    if at_a is not None and at_b is not None and at_a != at_b:
        text = f"the working directory: {at_a} → {at_b}"
        yield InputDifference("directory", "working directory", at_a, at_b, "possible", text)


def _folder(side: Side) -> str | None:
    """The working directory, relative to the code; None where it is not known."""
    root, cwd = str(side.fact("git").get("root") or ""), side.fact("command").get("cwd")
    if not root or not isinstance(cwd, str) or not cwd:
        return None
    inside = os.path.relpath(cwd, root)
    return "outside the code" if inside.split(os.sep)[0] == ".." else inside


def _placeless(side: Side, argv: list[str]) -> list[str]:
    root = str(side.fact("git").get("root") or "")
    rest = [word.replace(root + "/", "") if root else word for word in argv[1:]]
    return [Path(argv[0]).name.rstrip("0123456789."), *rest]


def parse_requirements(text: bytes) -> dict[str, str]:
    """Name → version (or place) of a recorded `requirements.txt`."""
    found = {}
    for line in text.decode("utf-8", "replace").splitlines():
        head, _, remark = line.partition("  # ")
        pin = remark.split(",")[0] if "==" in remark else head
        name, equals, version = pin.strip().partition("==")
        if equals and not name.startswith("#"):
            found[name.strip()] = version.strip()
    return found


def _package_contents(text: bytes) -> dict[str, str]:
    """Name → hash of the content, of packages that were built where they were installed."""
    found = {}
    for line in text.decode("utf-8", "replace").splitlines():
        remark, _, content = line.partition("  # ")[2].rpartition(", content ")
        if remark and content:
            found[remark.partition("==")[0].strip()] = content
    return found


def _packages(a: Side, b: Side) -> Iterator[InputDifference]:
    if a.fact("environment").get("requirements") == b.fact("environment").get("requirements"):
        return
    texts = a.read("requirements.txt"), b.read("requirements.txt")
    if not all(texts):
        text = "the packages differ, and one of the two lists of them is missing or was changed"
        yield InputDifference("package", "requirements.txt", None, None, "possible", text)
        return
    versions = [parse_requirements(text) for text in texts]
    yield from package_differences(*versions)
    contents = [_package_contents(text) for text in texts]
    for name in sorted({*contents[0]} & {*contents[1]}):
        version = versions[0].get(name)
        if version == versions[1].get(name) and contents[0][name] != contents[1][name]:
            text = f"the package {name} {version} was installed anew, with other content"
            yield InputDifference("package", name, version, version, "possible", text)


def package_differences(a: Mapping[str, str], b: Mapping[str, str]) -> Iterator[InputDifference]:
    """How two sets of packages differ."""
    for name in sorted({*a, *b}):
        x, y = a.get(name), b.get(name)
        if x != y:
            weight: Weight = "unlikely" if x is None else "possible"
            if name in NUMERICAL:
                weight = "likely"
            text = f"the package {name}: {x or 'not there'} → {y or 'not there'}"
            yield InputDifference("package", name, x, y, weight, text)


def _python(a: Side, b: Side) -> Iterator[InputDifference]:
    x, y = a.fact("environment"), b.fact("environment")
    weights: dict[str, Weight] = {
        "python": "possible", "implementation": "possible", "system": "likely", "architecture": "likely",
        "libc": "possible", "release": "unlikely",
    }  # fmt: skip
    for key, weight in weights.items():
        if x and y and x.get(key) != y.get(key):
            text = f"{'Python' if key == 'python' else key}: {x.get(key)} → {y.get(key)}"
            yield InputDifference("python", key, x.get(key), y.get(key), weight, text)


def _variables(a: Side, b: Side) -> Iterator[InputDifference]:
    if "variables" not in a.captured or "variables" not in b.captured:
        return
    x, y = a.fact("variables"), b.fact("variables")
    for name in sorted({*x, *y}):
        if x.get(name) != y.get(name) and not PLACE.match(name):
            text = f"the variable {name}: {x.get(name, 'not set')} → {y.get(name, 'not set')}"
            yield InputDifference("variable", name, x.get(name), y.get(name), "possible", text)
    hashed_a, hashed_b = a.fact("variables_hashed"), b.fact("variables_hashed")
    if not hashed_a or hashed_a.get("") != hashed_b.get(""):  # hashed with other keys
        return
    for name in sorted({*hashed_a, *hashed_b}):
        if hashed_a.get(name) != hashed_b.get(name) and name not in x and name not in y:
            states = [_set(hashed, name) for hashed in (hashed_a, hashed_b)]
            same = " to another value" if states[0] == states[1] else ""
            text = f"the variable {name}: {states[0]} → {states[1]}{same} (values are not recorded)"
            yield InputDifference("variable", name, states[0], states[1], "possible", text)


def _set(hashed: Mapping[str, Any], name: str) -> str:
    return "set" if name in hashed else "not set"


def _hardware(a: Side, b: Side) -> Iterator[InputDifference]:
    x, y = a.fact("hardware"), b.fact("hardware")
    weights: dict[str, Weight] = {
        "gpus": "likely", "cuda": "possible", "driver": "possible", "cpu": "possible", "cores": "possible",
        "usable_cores": "possible", "memory": "unlikely",
    }  # fmt: skip
    for key, weight in weights.items():
        if x and y and x.get(key) != y.get(key):
            text = f"hardware {key}: {_shown(x.get(key))} → {_shown(y.get(key))}"
            yield InputDifference("hardware", key, x.get(key), y.get(key), weight, text)


def _shown(value: Any) -> str:
    if isinstance(value, list):
        return (
            ", ".join(str(v.get("name", v)) if isinstance(v, Mapping) else str(v) for v in value)
            or "none"
        )
    return "none" if value is None else str(value)


def _short(commit: Any) -> str:
    return str(commit)[:10] if commit else "none"


def _text(part: bytes | None) -> str | None:
    return None if part is None else part.decode("utf-8", "backslashreplace")
