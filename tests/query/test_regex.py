"""Patterns are RE2's: which can be used, what they are found in, and what they must hold."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anew.query.regex import check_pattern, matcher, plain_part


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
        "[[:alpha:]]",
        "(a+)+$",
        "(a|a)*b",
    ],
)
def test_patterns_of_re2_can_be_used(pattern):
    assert check_pattern(pattern) is None


@pytest.mark.parametrize(
    ("pattern", "column"),
    [
        ("(", 0),
        ("x[a", 1),
        ("a**", 1),
        ("a" * 501, 500),
        ("a{2000}", 1),
        ("x(?=a)", 1),
        (r"(a)\1", 3),
    ],
)
def test_what_is_no_pattern_of_re2_is_told_with_its_column(pattern, column):
    found = check_pattern(pattern)
    assert found is not None
    assert found[1] == column


def test_a_pattern_that_backtracking_never_ends_on_ends():
    assert not matcher("(a|a)*(a|a)*$b")("a" * 20_000 + "c")
    assert not matcher("(x+x+)+y")("x" * 20_000)


def test_characters_beyond_ascii_are_characters():
    assert matcher("^.$")("é")
    assert matcher("^.$")("𝄞")
    assert matcher("(?i)É")("é")
    assert not matcher("^..$")("é")


def test_a_text_without_operators_is_its_own_plain_part():
    assert plain_part("run-0001") == "run-0001"
    assert plain_part("^run-00.*7$") == "run-00"
    assert plain_part("colou?r") == "colo"
    assert plain_part("a|b") == ""


@given(
    st.text(alphabet="ab.*+?[]^$\\d{}1,:lphQE", max_size=10),
    st.text(alphabet="ab1,{}]:lph", max_size=12),
)
def test_what_a_pattern_is_found_in_holds_its_plain_part(pattern, text):
    if check_pattern(pattern) is None and matcher(pattern)(text):
        assert plain_part(pattern) in text
