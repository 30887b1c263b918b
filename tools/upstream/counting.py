"""A plugin of pytest: it leaves out what does not apply, and counts."""

from __future__ import annotations

import inspect
import os
import re
from collections import Counter
from importlib import import_module
from typing import Any

import pytest

COUNTS = pytest.StashKey[Counter[str]]()
_outcomes: dict[str, str] = {}
_wanted: Any = None


def why_apart(nodeid: str) -> str | None:
    """Why a test does not apply; None for one that does."""
    return next((why for pattern, why in _wanted.APART if re.search(pattern, nodeid)), None)


def _in_any_words() -> None:
    """Errors and warnings count by their classes, not by the words of their messages."""
    before = pytest.raises

    def raises(*kinds: Any, match: Any = None, **options: Any) -> Any:
        return before(*kinds, **options)

    warns_before = pytest.warns

    def warns(*kinds: Any, match: Any = None, **options: Any) -> Any:
        return warns_before(*kinds, **options)

    pytest.raises, pytest.warns = raises, warns


def pytest_configure(config: Any) -> None:
    """Take what is known of the tracker."""
    _in_any_words()
    global _wanted
    _wanted = import_module(f"upstream.{os.environ['UPSTREAM']}")
    config.stash[COUNTS] = Counter()


def pytest_collection_modifyitems(config: Any, items: list[Any]) -> None:
    """Leave out what does not apply: by its name, or by what it looks into."""
    kept = []
    for one in items:
        why = why_apart(one.nodeid) or _looks_inside(one)
        if why is None:
            kept.append(one)
        else:
            config.stash[COUNTS][f"apart: {why}"] += 1
    config.hook.pytest_deselected(items=[one for one in items if one not in kept])
    items[:] = kept


def _looks_inside(item: Any) -> str | None:
    inside = set(getattr(item, "fixturenames", ())) & set(_wanted.INSIDE)
    if inside:
        return str(_wanted.INSIDE[inside.pop()])
    try:
        text = inspect.getsource(item.function)
    except (OSError, TypeError, AttributeError):
        return None
    return next((why for pattern, why in _wanted.SOURCE if re.search(pattern, text)), None)


def pytest_runtest_logreport(report: Any) -> None:
    """Count."""
    if report.when == "call" or report.failed or report.skipped:
        _outcomes[report.nodeid] = (
            report.outcome if _outcomes.get(report.nodeid) != "failed" else "failed"
        )


def pytest_terminal_summary(terminalreporter: Any, config: Any) -> None:
    """Say what was found."""
    say = terminalreporter.write_line
    say("")
    for what, count in sorted(config.stash[COUNTS].items()):
        say(f"{count:4} {what}")
    ran = {name: how for name, how in _outcomes.items() if how != "skipped"}
    for name, how in sorted(ran.items()):
        if how == "failed":
            known = next((why for part, why in _wanted.KNOWN.items() if part in name), None)
            say(f"failed: {name}: {known or 'not explained'}")
    passed = sum(how == "passed" for how in ran.values())
    share = 100 * passed / len(ran) if ran else 0.0
    say(f"{passed} of {len(ran)} that apply pass: {share:.1f} %")
