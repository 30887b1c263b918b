"""What a run is called here: the prefix that its place and name stand for, its name, its tags."""

from __future__ import annotations

from ..errors import InvalidName
from ..record.names import MAX_LABEL, check_label, split_number
from ..record.secrets import mask_text
from ..trackers.places import safe_segment
from .source import Run

__all__ = ["shown_name", "tag_of", "wanted_prefix"]


def wanted_prefix(run: Run, experiment_id: str, into: str) -> str:
    """The prefix that a run's place and name stand for; where another experiment has it, a number is put behind it.

    Args:
        into: The prefix that everything of an import is filed under; "" for none.
    """
    texts = [mask_text(text) for text in (*run.place, run.name or experiment_id) if text]
    last = texts.pop()
    if split_number(last)[1]:  # such an ending is given by Anew alone
        last = f"{last}_"
    parts = [
        safe_segment(text, first=not into and at == 0) for at, text in enumerate([*texts, last])
    ]
    return "/".join([into, *parts] if into else parts)


def shown_name(run: Run, experiment_id: str) -> str:
    """A run's name, as an experiment's."""
    text = " ".join(run.name.split()) or experiment_id
    try:
        return mask_text(check_label(text, "name"))
    except InvalidName:
        return safe_segment(text)


def tag_of(text: str) -> str:
    """A text as a tag."""
    short = " ".join(text.split())[:MAX_LABEL]
    try:
        return check_label(short, "tag")
    except InvalidName:
        return safe_segment(text)
