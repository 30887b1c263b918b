import math

from hypothesis import given
from hypothesis import strategies as st

from anew.plots.sparklines import sparkline

numbers = st.floats(allow_nan=True, allow_infinity=True)


def test_a_rising_series_rises():
    assert sparkline([0, 1, 2, 3, 4, 5, 6, 7]) == "▁▂▃▄▅▆▇█"


def test_a_constant_series_is_level():
    assert sparkline([3.0, 3.0, 3.0]) == "▄▄▄"


def test_an_empty_series_is_empty():
    assert sparkline([]) == ""


def test_values_that_are_not_finite_are_marked():
    assert sparkline([0.0, math.nan, math.inf, 1.0]) == "▁××█"
    assert sparkline([math.nan, -math.inf]) == "××"


def test_ascii_alone_can_be_asked_for():
    assert sparkline([0, 1, math.nan, 7], ascii_only=True).isascii()


def test_a_spike_of_one_point_in_a_thousand_is_seen():
    values = [1.0] * 1000
    values[437] = 50.0
    assert sparkline(values, 10).count("█") == 1
    values[437], values[801] = 1.0, -50.0
    assert sparkline(values, 10).count("▁") == 1


def test_the_last_cell_of_a_short_series_is_its_last_value():
    assert sparkline([5, 4, 3, 2, 1, 0], 4)[-1] == "▁"


@given(st.lists(numbers, max_size=200), st.integers(1, 40))
def test_it_is_never_wider_than_asked_and_shows_both_extremes(values, width):
    line = sparkline(values, width)
    assert len(line) == min(width, len(values))
    finite = [value for value in values if math.isfinite(value)]
    if finite and max(finite) / 2 - min(finite) / 2 > 0 and len(line) == len(values):
        assert "█" in line
        assert "▁" in line
