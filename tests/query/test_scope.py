"""Patterns of projects."""

from __future__ import annotations

import pytest

from anew.errors import InvalidName
from anew.query.scope import Scope, check_pattern, matches, project_of


@pytest.mark.parametrize(
    ("prefix", "user", "project"),
    [
        ("lab/vision/runs/a", "al", "lab/vision"), ("lab/vision/a", "al", "lab/vision"), ("lab/a", "al", "lab"),
        ("a", "al", "~al"), ("a", None, "~"),
    ],
)  # fmt: skip
def test_a_project_is_what_lies_above_the_name(prefix, user, project):
    assert project_of(prefix, user) == project


@pytest.mark.parametrize(
    ("pattern", "yes", "no"),
    [
        ("*", ["lab", "lab/vision", "~al"], []),
        ("lab/vision", ["lab/vision"], ["lab", "lab/vision2", "lab/visio", "LAB/vision", "~lab"]),
        ("lab/*", ["lab", "lab/vision", "lab/x"], ["labs/x", "la", "~lab", "x/lab"]),
        ("lab", ["lab"], ["lab/vision", "~lab"]),
        ("*/vision", ["lab/vision", "x/vision"], ["vision", "lab/visions"]),
        ("team-*/v?", ["team-a/v?"], ["team-a/vx", "team/v?"]),
        ("[ab]/x", ["[ab]/x"], ["a/x"]),
        ("~al", ["~al"], ["al", "~all", "~"]),
    ],
)
def test_a_pattern_names_projects(pattern, yes, no):
    assert check_pattern(pattern) == pattern
    assert all(matches(pattern, one) for one in yes)
    assert not any(matches(pattern, one) for one in no)


@pytest.mark.parametrize(
    "pattern", ["", "/", "a//b", "a/b/c", " ", "a\nb", "x" * 600, "a~1", "a/\0"]
)
def test_what_names_no_projects_is_refused(pattern):
    with pytest.raises(InvalidName):
        check_pattern(pattern)


def test_a_scope_is_what_one_pattern_names_and_its_limit_as_well():
    assert Scope(("lab/*", "x")).has("lab/vision")
    assert not Scope(("lab/*",), within="*/vision").has("lab/audio")
    assert Scope(("lab/*",), within="*/vision").has("lab/vision")
    assert Scope(("*", "x")).everything
    assert not Scope(("*",), within="x").everything
    assert not Scope(()).has("lab")
