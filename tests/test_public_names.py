"""The public surface is a list, and changing it is a decision."""

from __future__ import annotations

import anew
from anew import errors

PUBLIC = [
    "AnewError",
    "Audio",
    "Experiment",
    "Figure",
    "Histogram",
    "Image",
    "RUN",
    "Status",
    "Store",
    "Table",
    "Text",
    "Video",
    "capture",
    "current",
    "finish",
    "generate_experiment_name",
    "get_rng_state",
    "log",
    "log_metric",
    "log_metrics",
    "seed_everything",
    "seed_worker",
    "set_rng_state",
    "setup_experiment",
    "start",
    "track",
]


def test_the_public_names_are_these():
    assert [name for name in anew.__all__ if not name.startswith("__")] == PUBLIC


def test_the_public_names_are_sorted():
    assert sorted(PUBLIC) == PUBLIC


def test_every_public_name_is_there_and_is_listed_by_dir():
    for name in anew.__all__:
        assert getattr(anew, name) is not None
        assert name in dir(anew)


def test_a_name_that_is_not_there_is_an_attribute_error():
    assert not hasattr(anew, "Experimnt")


def test_a_star_import_gives_the_public_names():
    namespace: dict[str, object] = {}
    exec("from anew import *", namespace)
    assert set(PUBLIC) <= set(namespace)


def test_every_error_is_listed_and_has_a_root_and_a_builtin():
    made_here = {
        name
        for name, thing in vars(errors).items()
        if isinstance(thing, type)
        and issubclass(thing, Exception)
        and thing.__module__ == errors.__name__
    }
    assert sorted(made_here) == errors.__all__
    for name in made_here - {"AnewError"}:
        error = getattr(errors, name)
        assert issubclass(error, errors.AnewError)
        assert any(
            base.__module__ == "builtins" and base is not Exception for base in error.__mro__[2:-3]
        ), name
