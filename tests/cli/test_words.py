import math

import pytest

from anew.cli import words


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(3, "now"), (59, "59s ago"), (61, "1m ago"), (7200, "2h ago"), (86400 * 3, "3d ago")],
)
def test_times_are_told_from_now(seconds, text):
    assert words.ago(1e9 - seconds, 1e9) == text


def test_long_ago_is_a_date_and_a_clock_ahead_of_ours_a_moment():
    assert words.ago(1e9 - 86400 * 800, 1e9).startswith("1999-07-0")
    assert words.ago(1e9 + 3600, 1e9).startswith("2001-09-09")
    assert words.ago(None, 1e9) == ""


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0.0s"),
        (9.94, "9.9s"),
        (12, "12s"),
        (200, "3m 20s"),
        (3600, "1h"),
        (187200, "2d 4h"),
        (None, ""),
    ],
)
def test_durations_have_two_units_at_most(seconds, text):
    assert words.duration(seconds) == text


@pytest.mark.parametrize(
    ("count", "text"),
    [(0, "0 B"), (999, "999 B"), (1000, "1.0 kB"), (123_456_789, "123 MB"), (5e15, "5000 TB")],
)
def test_sizes_are_decimal(count, text):
    assert words.size(count) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, ""), (math.nan, "NaN"), (math.inf, "inf"), (-math.inf, "-inf"), (0.0, "0"), (12.0, "12"),
        (0.123456, "0.1235"), (2.5, "2.5"), (1e-7, "1.000e-07"), (123456.7, "1.235e+05"), (-0.5, "-0.5"),
    ],
)  # fmt: skip
def test_numbers_have_the_digits_that_matter(value, text):
    assert words.number(value) == text


def test_nothing_a_terminal_would_obey_gets_through():
    assert words.one_line("a\x1b[31mred\nb\u202e") == "a\\x1b[31mred\\nb\\u202e"
    assert words.printable("a\n\tb\x07") == "a\n\tb\\x07"
    assert words.one_line("naïve 実験") == "naïve 実験"


def test_parameters_are_written_as_they_are():
    assert [words.value(x) for x in (0.1, True, None, "a\nb", [1, {"é": 2}])] == [
        "0.1", "true", "none", "a\\nb", '[1, {"é": 2}]',
    ]  # fmt: skip


def test_counts_agree_with_their_nouns():
    assert words.plural(1, "experiment") == "1 experiment"
    assert words.plural(1200, "experiment") == "1,200 experiments"
