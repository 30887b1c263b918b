"""Errors travel as their class, their message and their facts."""

from __future__ import annotations

import msgspec
import pytest

from anew import errors
from anew.reading.problems import Problem, Refusal, as_error, problem_of

FACTS = {
    "NotFound": {"name": "a", "nearest": ("b", "c")},
    "Ambiguous": {"candidates": ("k1", "k2")},
    "QueryError": {"text": "x <", "position": 2, "suggestion": "y"},
    "InvalidName": {"name": "a/b"},
    "InvalidValue": {"key": "points"},
    "InvalidSetting": {"setting": "root"},
    "CorruptData": {"path": "a/b", "line": 3},
    "WriteFailed": {"path": "a/b"},
}


@pytest.mark.parametrize("name", errors.__all__)
def test_every_error_comes_back_as_the_same_class_with_its_facts(name):
    kind = getattr(errors, name)
    error = kind("It went wrong.", **FACTS.get(name, {}))
    problem = problem_of(error)
    sent = msgspec.json.encode(Refusal(problem))
    arrived = as_error(msgspec.json.decode(sent, type=Refusal).error)
    assert type(arrived) is kind
    assert arrived.args[0] == "It went wrong."
    for fact, value in FACTS.get(name, {}).items():
        assert getattr(arrived, fact) == value


def test_errors_of_this_machine_alone_are_not_sent():
    assert problem_of(FileNotFoundError(2, "No such file", "/data/secret")) is None
    assert problem_of(KeyError("x")) is None
    half = problem_of(errors.NotFound("\udcc0 is gone", name="\udcc0"))
    assert msgspec.json.encode(Refusal(half))
    assert type(as_error(problem_of(ValueError("limit must be 0 or more")))) is ValueError


@pytest.mark.parametrize("code", ["SystemExit", "eval", "errors", "__doc__", ""])
def test_a_code_that_names_no_error_of_ours_becomes_a_plain_error(code):
    assert type(as_error(Problem(code=code, message="x"))) is errors.AnewError
