"""What a block of a report says, read from its YAML: a view, by its name or written out, or a figure, a table or a verdict."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import msgspec

from ..errors import InvalidValue
from ..query.suggest import nearest
from ..reading.saved_views import read_yaml

__all__ = ["PARTS", "Asked", "Kind", "Look", "look_of", "read_block"]

Kind = Literal["view", "figure", "table", "verdict"]

PARTS = frozenset(
    {
        "against", "archived", "attempts", "axes", "band", "brush", "centre", "colour_by", "colours", "columns", "dash", "differs", "during", "each", "every",
        "facet", "filter", "folded", "form", "front", "group", "groups", "key", "logged", "logs", "media", "metrics", "order", "pair", "panels", "pinned", "plot", "project", "range",
        "reproductions", "result", "robust", "rows", "setting", "smooth", "sort", "tab", "tile", "whose", "widths", "x", "x_log", "y_log",
    }
)  # fmt: skip
"""The parts that a view may have, as `web/src/state.ts` lists them; a misspelt one would show something else than what was meant."""
_OWN = frozenset({"view", "figure", "table", "verdict", "experiments", "caption", "limit", "names", "step"})  # fmt: skip
_MOST = 200


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """A block as it was written.

    Attributes:
        kind: What it shows.
        named: Of a figure the metrics, or patterns of them; of a table the columns; of a verdict the two experiments.
        view: The name of a saved view, whose parts it takes.
        experiments: Which ones, as they are called; all that the filter finds if there are none.
        caption: What stands below it.
        limit: How many experiments are shown at most.
        names: Of media, which names, or patterns of them; all if there are none.
        step: Of media and of a logged table, those of which step; the newest if None.
        parts: The parts of a view that it has itself.
    """

    kind: Kind
    named: tuple[str, ...] = ()
    view: str | None = None
    experiments: tuple[str, ...] = ()
    caption: str = ""
    limit: int | None = None
    names: tuple[str, ...] = ()
    step: int | None = None
    parts: dict[str, Any]


class Look(msgspec.Struct, frozen=True, kw_only=True):
    """How curves are drawn: parts of a view, see the guide of the page."""

    x: str = "step"
    x_log: bool = False
    y_log: bool = False
    range: tuple[float, float] | None = None
    smooth: float = 0.0
    band: Literal["minmax", "none", "sd", "se", "quantiles"] = "minmax"
    centre: Literal["mean", "median"] = "mean"
    robust: bool = False
    group: tuple[str, ...] = ()


def read_block(text: str) -> Asked:
    """What a block says.

    Raises:
        InvalidValue: It is no YAML, or says something that a block cannot say.
    """
    given = read_yaml(text)
    for key in given:
        if key not in _OWN and key not in PARTS:
            near = nearest(key, sorted(_OWN | PARTS))
            hint = f" Did you mean {near[0]!r}?" if near else ""
            raise InvalidValue(f"A block has no {key!r}.{hint}", key=key)
    kinds = [one for one in ("figure", "table", "verdict") if one in given]
    if len(kinds) > 1:
        raise InvalidValue(
            f"A block is a {kinds[0]} or a {kinds[1]}; write two blocks for both.", key=kinds[1]
        )
    kind: Any = kinds[0] if kinds else "view"
    if not given:
        raise InvalidValue(
            "A block says what it shows, such as `figure: val/loss` or `view: overview`."
        )
    named = _texts(given, kind, everything=kind == "table") if kind != "view" else ()
    if kind == "verdict" and len(named) != 2:
        raise InvalidValue(
            "A verdict is on two experiments: `verdict: [k7f3, p2m8]`.", key="verdict"
        )
    view, caption, limit = given.get("view"), given.get("caption", ""), given.get("limit")
    if view is not None and not isinstance(view, str):
        raise InvalidValue("`view` is the name of a saved view.", key="view")
    if not isinstance(caption, str):
        raise InvalidValue("`caption` is a text.", key="caption")
    if limit is not None and (type(limit) is not int or not 1 <= limit <= 10_000):
        raise InvalidValue("`limit` is a number of experiments, from 1 to 10000.", key="limit")
    step = given.get("step")
    if step is not None and (type(step) is not int or not -(1 << 53) < step < 1 << 53):
        raise InvalidValue("`step` is a whole number.", key="step")
    return Asked(
        kind=kind,
        named=named,
        view=view,
        experiments=_texts(given, "experiments"),
        caption=caption,
        limit=limit,
        names=_texts(given, "names"),
        step=step,
        parts={key: value for key, value in given.items() if key in PARTS},
    )


def _texts(given: Mapping[str, Any], key: str, *, everything: bool = False) -> tuple[str, ...]:
    """A text or several; none for `true`, where that is said of everything."""
    found = given.get(key, ())
    if everything and found in (True, None):
        return ()
    several = (found,) if isinstance(found, str) else found
    if not isinstance(several, (list, tuple)) or not all(
        isinstance(one, str) and one for one in several
    ):
        raise InvalidValue(f"`{key}` is a text, or a list of texts.", key=key)
    if len(several) > _MOST:
        raise InvalidValue(f"`{key}` has at most {_MOST} texts.", key=key)
    return tuple(several)


def look_of(parts: Mapping[str, Any]) -> Look:
    """How the curves of a view are drawn.

    Raises:
        InvalidValue: A part has a value that it cannot have.
    """
    mine = {name: parts[name] for name in Look.__struct_fields__ if parts.get(name) is not None}
    try:
        found = msgspec.convert(mine, Look)
    except msgspec.ValidationError as error:
        raise InvalidValue(f"This part of the view cannot be read: {error}") from None
    if not 0 <= found.smooth < 1:
        raise InvalidValue("`smooth` is a weight from 0 to below 1.", key="smooth")
    if found.range is not None and not found.range[0] < found.range[1]:
        raise InvalidValue("`range` is two numbers, the smaller one first.", key="range")
    return found
