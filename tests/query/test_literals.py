from __future__ import annotations

import math
from datetime import datetime, timedelta, timezone

import pytest

from anew.query.literals import Span, parse_duration, parse_number, parse_time


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1", 1),
        ("-3", -3),
        ("+2", 2),
        ("1_000", 1000),
        ("0.5", 0.5),
        (".5", 0.5),
        ("1e-3", 0.001),
        ("-2.5E+4", -25000.0),
        ("inf", math.inf),
        ("-inf", -math.inf),
    ],
)
def test_numbers_are_read_as_python_reads_them(text, value):
    found = parse_number(text)
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize("text", ["", "1e", "1.2.3", "abc", "1_", "--1", "0x10", "1__0"])
def test_what_is_no_number_is_none(text):
    assert parse_number(text) is None


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("90s", 90),
        ("500ms", 0.5),
        ("15m", 900),
        ("15min", 900),
        ("1h30m", 5400),
        ("1.5h", 5400),
        ("7d", 604800),
        ("2w", 1209600),
    ],
)
def test_durations_are_seconds(text, seconds):
    assert parse_duration(text) == seconds


@pytest.mark.parametrize("text", ["", "7", "d", "7x", "1h 30m", "1h-", "7dd"])
def test_what_is_no_duration_is_none(text):
    assert parse_duration(text) is None


def test_a_date_is_its_whole_day_in_local_time():
    start = datetime(2026, 1, 31)
    end = start + timedelta(days=1)
    assert parse_time("2026-01-31") == Span(start.timestamp(), end.timestamp())


def test_a_month_and_a_year_are_spans_too():
    december = Span(datetime(2025, 12, 1).timestamp(), datetime(2026, 1, 1).timestamp())
    assert parse_time("2025-12") == december
    assert parse_time("2025") == Span(datetime(2025, 1, 1).timestamp(), december.end)


def test_a_time_of_day_is_one_moment():
    assert parse_time("2026-01-31T12:30") == Span(datetime(2026, 1, 31, 12, 30).timestamp(), None)
    offset = datetime(2026, 1, 31, 12, 0, tzinfo=timezone(timedelta(hours=2)))
    assert parse_time("2026-01-31 12:00+02:00") == Span(offset.timestamp(), None)


@pytest.mark.parametrize("text", ["2026-13-01", "2026-02-30", "yesterday", "", "99999-01-01"])
def test_what_is_no_date_is_none(text):
    assert parse_time(text) is None
