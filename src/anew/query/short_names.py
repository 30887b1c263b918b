"""Short names: what `lr` or `val/acc` means among the names that experiments have.

The name itself comes first; only when nothing has it, the names that end in it: `lr` is then `optimizer.lr`, and `acc` is
`val/acc`. A parameter and a configuration key of one name are one thing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Literal, NamedTuple, Protocol

__all__ = ["STATS", "Meaning", "Names", "Preferred", "ending", "meanings"]

STATS = (
    "last",
    "first",
    "min",
    "max",
    "mean",
    "std",
    "count",
    "step",
    "min_step",
    "max_step",
    "nonfinite",
)
"""What can be asked of a metric; `last` when nothing is said, `step` is the step of `last`, `min_step` where `min` first was."""

Preferred = Literal["either", "metric"]
"""What a name is taken for first, where it can be a parameter (or configuration key) and a metric."""


class Names(Protocol):
    """The part of `fields.KnownNames` that this needs."""

    def has(self, kind: str, name: str) -> bool:
        """Whether any experiment has a name of that kind."""
        ...

    def all(self, kind: str) -> Sequence[str]:
        """All names of that kind."""
        ...


class Meaning(NamedTuple):
    """One thing that a short name can mean; "either" is a parameter or a configuration key."""

    kind: Literal["param", "config", "either", "metric"]
    name: str
    stat: str = "last"


def meanings(parts: Sequence[str], names: Names, prefer: Preferred | None = None) -> list[Meaning]:
    """All that a name, given as its dotted parts, can mean; none where no experiment has such a name."""
    whole = ".".join(parts)
    stem = ".".join(parts[:-1]) if len(parts) > 1 and parts[-1] in STATS else ""
    found = _found(whole, stem, parts[-1], lambda kind, name: [name] * names.has(kind, name))
    if not found:

        def look_up(kind: str, name: str) -> list[str]:
            return ending(name, names.all(kind))

        found = _found(whole, stem, parts[-1], look_up)
    if prefer is not None:
        preferred = [one for one in found if (one.kind == "metric") == (prefer == "metric")]
        found = preferred or found
    return found


def _found(
    whole: str, stem: str, stat: str, look_up: Callable[[str, str], Iterable[str]]
) -> list[Meaning]:
    params, config = look_up("param", whole), look_up("config", whole)
    found: list[Meaning] = []
    for name in dict.fromkeys([*params, *config]):
        kind: Literal["param", "config", "either"] = "either"
        if not (name in params and name in config):
            kind = "param" if name in params else "config"
        found.append(Meaning(kind, name))
    found += (Meaning("metric", name) for name in look_up("metric", whole))
    if stem:
        found += (Meaning("metric", name, stat) for name in look_up("metric", stem))
    return found


def ending(short: str, known: Iterable[str]) -> list[str]:
    """The names that end in a short one; those of the machine (`system/…`) only where no other does."""
    ends = (f".{short}", f"/{short}")
    found = [name for name in known if name.endswith(ends)]
    return [name for name in found if not name.startswith("system/")] or found
