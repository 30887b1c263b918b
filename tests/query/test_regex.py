from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anew.query.regex import PatternBudget, check_pattern, plain_part


@pytest.mark.parametrize(
    "pattern",
    [
        "",
        "abc",
        r"\d+",
        "^run-[0-9]+$",
        "a|b",
        "(ab)?c",
        "(a|b)c+",
        "[+*]+",
        r"\(+",
        "[]()+]*",
        "(?i)x",
    ],
)
def test_common_patterns_can_be_used(pattern):
    assert check_pattern(pattern) is None


@pytest.mark.parametrize(
    ("pattern", "column"),
    [("(", 0), ("a)", 1), ("[a", 0), ("*", 0), ("(?P<x", 4), ("a" * 501, 500), ("ab\\", 2)],
)
def test_what_does_not_compile_is_told_with_its_column(pattern, column):
    found = check_pattern(pattern)
    assert found is not None
    assert found[1] == column


@pytest.mark.parametrize(
    "pattern", ["(a+)+", "(a*)*b", "((ab)+c)*", "(a|a)*", "(x+){2,}", "(?:a+)+$", "((a+))+"]
)
def test_what_can_take_forever_is_refused(pattern):
    found = check_pattern(pattern)
    assert found is not None
    assert "forever" in found[0]


def test_only_the_beginning_of_a_text_is_searched_and_nothing_in_no_text():
    budget = PatternBudget()
    assert budget("b", "a" * 1999 + "b") is True
    assert budget("b", "a" * 2000 + "b") is False
    assert budget("b", None) is None


def test_a_budget_of_time_is_for_all_rows_together():
    budget = PatternBudget(seconds=-1.0)
    with pytest.raises(TimeoutError):
        budget("a", "a")
    assert budget.exceeded


def test_a_text_without_operators_is_its_own_plain_part():
    assert plain_part("run-0001") == "run-0001"
    assert plain_part("^run-00.*7$") == "run-00"
    assert plain_part("colou?r") == "colo"
    assert plain_part("a|b") == ""


@given(
    st.text(alphabet="ab.*+?[]^$\\d{}1,", max_size=8),
    st.text(alphabet="ab1,{}]", max_size=12),
)
def test_what_a_pattern_is_found_in_holds_its_plain_part(pattern, text):
    if check_pattern(pattern) is None and PatternBudget()(pattern, text):
        assert plain_part(pattern) in text
