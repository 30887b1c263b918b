"""One value or file of an experiment, by its name and step."""

from __future__ import annotations

from collections.abc import Sequence
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

from ..errors import InvalidValue, NotFound
from ..query.suggest import nearest
from .documents import open_document, place_of, value_document

if TYPE_CHECKING:
    from ..reading.files import FileView, ValueView
    from ..reading.views import ExperimentView
    from ..store import Store
    from .questions import OpenOptions

    Kept = FileView | ValueView

__all__ = ["kept_document", "one_kept", "opened", "steps_of", "steps_text"]


def opened(store: Store, question: OpenOptions) -> dict[str, Any]:
    """What an experiment logged beside numbers, or one of it."""
    view = store.get(question.experiment)
    if question.name is None:
        return open_document(view)
    return kept_document(*one_kept(view, question.name, question.step))


def kept_document(one: Kept, found: Sequence[Kept]) -> dict[str, Any]:
    """A value or file, with the data of small ones, and the steps at which there is one of that name."""
    return {
        **value_document(one),
        "data": getattr(one, "data", None),
        "steps": [each.step for each in found],
    }


def one_kept(view: ExperimentView, name: str, step: int | None) -> tuple[Kept, Sequence[Kept]]:
    """The value or file of a name and a step, and all of that name.

    Raises:
        NotFound: There is none.
        InvalidValue: The pattern fits several names.
    """
    found = _named(view, name)
    chosen = [one for one in found if step is None or one.step == step]
    if not chosen:
        raise NotFound(
            f"{name!r} of {view.id} was not logged at step {step}; {steps_of(found)}.", name=name
        )
    return chosen[-1], found


def _named(view: ExperimentView, name: str) -> Sequence[Kept]:
    """What was logged under a name: values, then files."""
    values, files = view.values(), list(view.files)
    found: Sequence[Kept] = [one for one in values if one.name == name]
    found = found or [one for one in values if fnmatchcase(one.name, name)]
    found = found or [one for one in files if name in (place_of(one), one.name)]
    found = found or [
        one for one in files if fnmatchcase(place_of(one), name) or fnmatchcase(one.name, name)
    ]
    if not found:
        known = sorted({*map(place_of, values), *map(place_of, files)})
        raise NotFound(
            f"{view.id} has logged no value and saved no file {name!r}; `anew open {view.id}` lists what there is.",
            name=name,
            nearest=nearest(name, known),
        )
    names = sorted({place_of(one) for one in found})
    if len(names) > 1:
        shown = ", ".join(names[:5]) + (", …" if len(names) > 5 else "")
        raise InvalidValue(f"{name!r} fits {len(names)} names: {shown}. Give one.", key="name")
    return found


def steps_of(found: Sequence[Kept]) -> str:
    """At which steps something was logged, as a sentence."""
    steps = steps_text(found)
    return f"it was logged at {steps}" if steps else "it was logged without a step"


def steps_text(found: Sequence[Kept]) -> str:
    """The steps, those in the middle left out where there are many."""
    steps = [str(one.step) for one in found if one.step is not None]
    return ", ".join(steps if len(steps) <= 6 else [*steps[:3], "…", *steps[-2:]])
