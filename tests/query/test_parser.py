"""Text → tree, and every way in which a text is no filter."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anew.errors import QueryError
from anew.query.parser import MAX_DEPTH, parse
from anew.query.syntax import (
    And,
    Compare,
    Contains,
    Field,
    In,
    IsMissing,
    IsNan,
    Match,
    Not,
    Or,
    Truth,
    Value,
)


def names(field: object) -> list[str]:
    assert isinstance(field, Field)
    return [part.text for part in field.parts]


def test_and_binds_closer_than_or_and_not_closest():
    tree = parse("not lost > 0 and name == 'a' or name == 'b'")
    assert isinstance(tree, Or)
    left, right = tree.items
    assert isinstance(left, And)
    assert isinstance(left.items[0], Not)
    assert isinstance(right, Compare)


def test_parentheses_come_first():
    tree = parse("name == 'a' and (lost > 0 or name == 'b')")
    assert isinstance(tree, And)
    assert isinstance(tree.items[1], Or)


def test_keywords_may_be_in_capitals():
    assert isinstance(parse("name == 'a' AND NOT lost > 0"), And)


def test_a_field_is_a_path_with_quoted_segments():
    tree = parse('metrics["train loss"].min < 1')
    assert isinstance(tree, Compare)
    assert names(tree.left) == ["metrics", "train loss", "min"]
    assert isinstance(tree.left, Field)
    assert [part.quoted for part in tree.left.parts] == [False, True, False]
    backquoted = parse("metrics.`a.b`.max < 1")
    assert isinstance(backquoted, Compare)
    assert names(backquoted.left) == ["metrics", "a.b", "max"]


def test_names_hold_what_metric_names_commonly_hold():
    tree = parse("metrics.train/loss-0:a@b%c.min<1")
    assert isinstance(tree, Compare)
    assert names(tree.left) == ["metrics", "train/loss-0:a@b%c", "min"]


def test_a_chain_is_each_of_its_comparisons():
    tree = parse("1e-4 < params.lr <= 0.1")
    assert isinstance(tree, And)
    assert [c.operator for c in tree.items if isinstance(c, Compare)] == ["<", "<="]


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("name in ('a', 'b',)", In),
        ("name not in ['a']", In),
        ("'vae' in tags", Contains),
        ("'vae' not in tags", Contains),
        ("tags contains 'vae'", Contains),
        ("name not contains 'x'", Contains),
        ("name =~ '^a'", Match),
        ("name !~ '^a'", Match),
        ("notes is null", IsMissing),
        ("notes is not null", IsMissing),
        ("notes exists", IsMissing),
        ("notes not exists", IsMissing),
        ("metrics.a is nan", IsNan),
        ("git.dirty", Truth),
        ("params.amp is true", Compare),
    ],
)
def test_every_kind_of_condition_is_read(text, kind):
    assert isinstance(parse(text), kind)


def test_strings_take_either_quote_and_keep_the_backslashes_of_patterns():
    tree = parse(r"""name =~ "it's \d+\.\d" """)
    assert isinstance(tree, Match)
    assert tree.pattern.value == r"it's \d+\.\d"
    quoted = parse(r"name == 'it\'s\n\\ok'")
    assert isinstance(quoted, Compare)
    assert isinstance(quoted.right, Value)
    assert quoted.right.value == "it's\n\\ok"


def test_ago_after_a_duration_changes_nothing():
    assert isinstance(parse("created_at > 7d ago and lost == 0"), And)


@pytest.mark.parametrize(
    ("text", "position", "suggestion"),
    [
        ("", 0, "status == 'completed'"),
        ("   ", 0, "status == 'completed'"),
        ("name = 'a'", 5, "=="),
        ("name <> 'a'", 5, "!="),
        ("name == 'a' && lost > 0", 12, "and"),
        ("name == 'a' || lost > 0", 12, "or"),
        ("!git.dirty", 0, "not"),
        ("name == 'a", 8, None),
        ("name == ", 7, None),
        ("(name == 'a'", 12, None),
        ("name == 'a')", 11, None),
        ("name == 'a' lost > 0", 12, None),
        ("name == 'a' adn lost > 0", 12, "and"),
        ("name lik 'a'", 5, None),
        ("name =~ abc", 8, "'abc'"),
        ("1 < 2", 2, None),
        ("'a' == 'b'", 4, None),
        ("name in 'a'", 8, "('a')"),
        ("name in ()", 9, None),
        ("name in ('a' 'b')", 13, None),
        ("name in (a)", 9, "'a'"),
        ("name in ('a']", 12, None),
        ("name is 3", 8, "name is null"),
        ("lost > 12abc", 7, None),
        ("lost > 3..4", 7, None),
        ("metrics. < 1", 8, None),
        ('metrics["a" < 1', 7, 'metrics["a"]'),
        ("name == 'a' and", 15, None),
        ("and name == 'a'", 0, None),
        ("name == ; ", 8, None),
        ("'a'", 3, None),
        ("tags in name", 8, None),
    ],
)
def test_a_mistake_names_its_column_and_what_may_have_been_meant(text, position, suggestion):
    with pytest.raises(QueryError) as caught:
        parse(text)
    assert caught.value.position == position
    assert caught.value.suggestion == suggestion


def test_the_error_shows_the_text_with_a_mark_under_the_mistake():
    with pytest.raises(QueryError) as caught:
        parse("name == 'a'\n  and lost = 3")
    assert str(caught.value).splitlines()[1:3] == [
        "  name == 'a'   and lost = 3",
        "  " + " " * 23 + "^",
    ]


def test_a_long_filter_is_shown_around_the_mistake():
    text = " and ".join(["name != 'x'"] * 200) + " and lost = 3"
    with pytest.raises(QueryError) as caught:
        parse(text)
    error = caught.value
    assert len(error.text) <= 160
    assert error.position is not None
    assert error.text[error.position] == "="


@pytest.mark.parametrize(
    "text",
    [
        "(" * (MAX_DEPTH + 1) + "git.dirty",
        "not " * 100_000 + "git.dirty",
        "git.dirty and " * 2000 + "git.dirty",
    ],
)
def test_what_is_too_deep_or_too_long_is_refused_not_a_crash(text):
    with pytest.raises(QueryError):
        parse(text)
    with pytest.raises(QueryError, match="characters"):
        parse("x" * 1_000_000)


@given(st.text(alphabet="ab.'\"`[]()<>=!~,-+ 0129d\\\n_/naninorot&|", max_size=40))
def test_any_text_is_a_tree_or_a_mistake_inside_it(text):
    try:
        parse(text)
        position = None
    except QueryError as caught:
        position = caught.position
    assert position is None or 0 <= position <= len(text)


def test_numbers_of_any_length_and_lists_of_any_length_are_no_crash():
    tree = parse(f"lost < {'9' * 5000}")
    assert isinstance(tree, Compare)
    assert isinstance(tree.right, Value)
    assert tree.right.value == float("inf")
    with pytest.raises(QueryError):
        parse(f"lost in ({'1,' * 20_000})")


def test_half_a_character_is_refused():
    with pytest.raises(QueryError, match="D800"):
        parse("name == '\ud800'")
