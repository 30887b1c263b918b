import math

import pytest

from anew.plots.braille import Curve, braille_chart


def text(rows):
    return ["".join(piece for piece, _ in row) for row in rows]


def dots(rows):
    return sum(
        bin(ord(char) - 0x2800).count("1")
        for row in text(rows)
        for char in row
        if 0x2800 <= ord(char) < 0x2900
    )


def test_a_falling_line_goes_from_the_top_left_to_the_bottom_right():
    rows = text(braille_chart([Curve([0, 1], [1, 0])], width=40, height=10))
    assert rows[0].startswith("  1 ┤⠉⠒⠤⣀ ")
    assert rows[-3].rstrip().endswith("⠉⠒⠤⣀ A")
    assert rows[-1].split() == ["0", "1"]


def test_nothing_is_wider_than_asked():
    rows = text(braille_chart([Curve(range(500), [math.sin(i) for i in range(500)])] * 3, width=60))
    assert max(map(len, rows)) <= 60


def test_a_spike_reaches_the_top_however_many_points_there_are():
    y = [0.0] * 100_000
    y[41_234] = 9.0
    rows = braille_chart([Curve(range(len(y)), y)], width=60, height=12, letters=False)
    assert any(0x2800 < ord(char) < 0x2900 for char in text(rows)[0])


def test_a_gap_is_not_bridged():
    whole = braille_chart([Curve([0, 1, 2], [0, 0, 0])], letters=False)
    broken = braille_chart([Curve([0, 1, 2], [0, math.nan, 0])], letters=False)
    assert dots(broken) == 2 < dots(whole)


def test_each_curve_ends_in_a_letter_of_its_own():
    curves = [Curve([0, 1], [0, 0]), Curve([0, 1], [0, 0]), Curve([0, 1], [0, 1])]
    ends = {row.rstrip()[-1] for row in text(braille_chart(curves))[:-2]} & set("ABC")
    assert ends == set("ABC")


def test_a_constant_and_a_single_point_can_be_drawn():
    assert dots(braille_chart([Curve([3], [7])], letters=False)) == 1
    assert "7 ┤" in "\n".join(text(braille_chart([Curve([0, 9], [7, 7])])))


def test_what_a_logarithm_cannot_take_is_left_out():
    rows = text(braille_chart([Curve([0, 1, 2], [-1, 10, 1000])], log_y=True))
    assert rows[0].startswith("1e+03 ┤")
    assert braille_chart([Curve([0], [0])], log_y=True) == []


@pytest.mark.parametrize("y", [[], [math.nan], [math.inf, -math.inf]])
def test_nothing_finite_makes_no_chart(y):
    assert braille_chart([Curve(range(len(y)), y)]) == []


def test_huge_numbers_do_not_overflow():
    rows = braille_chart([Curve([0, 1], [-1.7e308, 1.7e308])], letters=False)
    assert dots(rows) > 2
    assert "inf" not in "".join(text(rows))
