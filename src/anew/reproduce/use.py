"""What of the differences a program has used: a thing that it did not load or read is an unlikely cause.

The same change may be seen in several places: a module in the commit, in the patch and among the modules that were loaded.
It is told once, where it says most.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from .differences import NUMERICAL, InputDifference, Side

__all__ = ["told_once"]

_SHOWN = 8
_MODULES = {
    "scikit-learn": "sklearn",
    "xgboost-cpu": "xgboost",
    "pillow": "pil",
    "pyyaml": "yaml",
    "opencv-python": "cv2",
    "opencv-python-headless": "cv2",
    "python-dateutil": "dateutil",
}
"""The modules of packages that are imported by another name than their own."""


def told_once(a: Side, b: Side, found: Iterable[InputDifference]) -> list[InputDifference]:
    """The differences of two experiments, each once, and weighed by what is known of their use.

    Args:
        found: Those of what was captured, and those of what ran.
    """
    found = list(found)
    used = _used(a) | _used(b) if _is_whole(a) and _is_whole(b) else None
    commits = {name for one in found for name in one.files}
    patched = {one.what for one in found if one.kind == "code" and _is_patched(one)}
    kept = []
    for one in found:
        if one.files:
            one = _of_commit(one, used)
        elif _is_use(one) and (
            one.what in patched or _is_within(one.what, commits) or _is_within(one.what, patched)
        ):
            continue
        elif one.kind == "package" and one.what in NUMERICAL:
            one = _of_package(one, a, b)
        kept.append(one)
    return kept


def _is_use(one: InputDifference) -> bool:
    return one.seen == "used" and not one.what.startswith("/")


def _is_patched(one: InputDifference) -> bool:
    return one.seen == "patch"


def _is_within(path: str, names: Iterable[str]) -> bool:
    return any(path == name or path.startswith(name + "/") for name in names)


def _used(side: Side) -> set[str]:
    ran = side.fact("ran")
    parts = (ran.get("modules"), ran.get("read"))
    return {name for part in parts if isinstance(part, Mapping) for name in part}


def _is_whole(side: Side) -> bool:
    """Whether all that a program is known to have used was recorded one by one."""
    ran = side.fact("ran")
    return bool(ran) and not {"modules_count", "read_count", "read_folders"} & set(ran)


def _of_commit(one: InputDifference, used: set[str] | None) -> InputDifference:
    """The difference of two commits, by those of the changed files that were used."""
    names = list(one.files)
    others = 0
    if used is not None:
        # A submodule is one file of its commit.
        known = [n for n in names if n in used or any(u.startswith(n + "/") for u in used)]
        if not known:
            text = f"{one.text}, which changed {_few(names)}, none of which the program is known to use"
            return replace(one, weight="possible", text=text)
        others = len(names) - len(known)
        names = known
    text = f"{one.text}, which changed {_few(names)}"
    if others:
        text += f" ({others} more changed, and the program is not known to use {'it' if others == 1 else 'them'})"
    return replace(one, text=text)


def _few(names: list[str]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more


def _of_package(one: InputDifference, a: Side, b: Side) -> InputDifference:
    """The difference of a package; an unlikely cause where neither program had loaded it at its end."""
    loaded = [side.fact("ran").get("packages") for side in (a, b)]
    module = _MODULES.get(one.what, one.what.replace("-", "_"))
    if all(isinstance(names, (list, tuple)) and module not in names for names in loaded):
        return replace(one, weight="unlikely", text=f"{one.text} (not loaded)")
    return one
