"""The tree of errors: what a caller may catch them as, and that its picture is true."""

from __future__ import annotations

import builtins
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from anew import Experiment, Histogram, Store, errors, finish, start
from anew.errors import AnewError, InvalidValue


def test_the_picture_shows_every_error_with_the_builtins_that_it_is():
    assert errors.__doc__ is not None
    drawn = re.findall(r"── (\w+)\(([\w, ]+)\) +\w", errors.__doc__)
    assert [name for name, _ in drawn] != []
    assert sorted(name for name, _ in drawn) == sorted(set(errors.__all__) - {"AnewError"})
    for name, bases in drawn:
        expected = [getattr(builtins, base) for base in bases.split(", ")]
        assert [*getattr(errors, name).__bases__] == [AnewError, *expected]


def wrong_values(exp: Experiment, store: Store) -> dict[str, Callable[[], object]]:
    """Calls with values that are out of range or of the wrong kind."""
    return {
        "level": lambda: exp.log("x", level="loud"),
        "step out of range": lambda: exp.log_metric("loss", 1.0, step=2**70),
        "step of a kind": lambda: exp.log_metric("loss", 1.0, step="one"),  # type: ignore[arg-type]
        "mode": lambda: store.best("loss", mode="middle"),  # type: ignore[arg-type]
        "age": lambda: store.gc(older_than="soon"),
        "bins": lambda: Histogram([1.0], bins=0),
        "kind of values": lambda: Histogram(object()),
        "status": lambda: finish("done"),
    }


def test_a_value_that_a_call_cannot_take_is_a_value_error_and_a_type_error(tmp_path: Path):
    exp = start("a/b/c", root=tmp_path, quiet=True, system_metrics=0)
    exp.log_metric("loss", 1.0)
    for what, call in wrong_values(exp, Store(tmp_path)).items():
        for kind in (ValueError, TypeError, AnewError):
            with pytest.raises(kind) as caught:
                call()
            assert isinstance(caught.value, InvalidValue), what
    finish()
