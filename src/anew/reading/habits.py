"""What readers of other trackers call it, and what it is called here.

A `Store` or a view without such an attribute says what to call instead; nothing else of Anew depends on these names.
"""

from __future__ import annotations

__all__ = ["OF_A_STORE", "OF_A_VIEW", "missing"]

_HISTORY = 'store.history(view, ["loss"]).to_pandas(), or view.metrics["loss"].to_pandas()'
_LIST = 'store.list(project="vision"), store.list(\'tags.group == "a"\') or another filter'

OF_A_VIEW = {
    "hparams": "view.config or view.params",
    "history": _HISTORY,
    "logged_artifacts": "view.files",
    "scan_history": _HISTORY,
    "state": "view.status",
    "summary": 'view.metrics["loss"].last, .min or .max',
    "to_pandas": _HISTORY,
}
"""Attributes that an experiment has for readers of other trackers, and the call here."""

OF_A_STORE = {
    "get_run": 'store["alice/vision/resnet"]',
    "run": 'store["alice/vision/resnet"]',
    "runs": _LIST,
    "search_runs": _LIST,
    "to_pandas": "store.list().to_pandas()",
}
"""The same of a store."""


def missing(owner: object, name: str, instead: dict[str, str]) -> AttributeError:
    """The error for an attribute that `owner` does not have, to be raised: with what to call instead, if that is known."""
    message = f"{type(owner).__name__!r} object has no attribute {name!r}"
    if name in instead:
        message += f". Use {instead[name]}."
    return AttributeError(message, name=name, obj=owner)
