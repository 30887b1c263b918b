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
    assert rows[-3].rstrip().endswith("⠉⠒⠤⣀")
    assert rows[-1].split() == ["0", "1"]


def test_nothing_is_wider_than_asked():
    rows = text(braille_chart([Curve(range(500), [math.sin(i) for i in range(500)])] * 3, width=60))
    assert max(map(len, rows)) <= 60


def test_a_spike_reaches_the_top_however_many_points_there_are():
    y = [0.0] * 100_000
    y[41_234] = 9.0
    rows = braille_chart([Curve(range(len(y)), y)], width=60, height=12)
    assert any(0x2800 < ord(char) < 0x2900 for char in text(rows)[0])


def test_a_gap_is_not_bridged():
    whole = braille_chart([Curve([0, 1, 2], [0, 0, 0])])
    broken = braille_chart([Curve([0, 1, 2], [0, math.nan, 0])])
    assert dots(broken) == 2 < dots(whole)


def places(rows, letters):
    return {
        letter: (number, row.index(letter))
        for letter in letters
        for number, row in enumerate(text(rows)[:-2])
        if letter in row
    }


def test_each_curve_carries_its_letter_where_it_is():
    x = list(range(40))
    rising, falling = [float(i) for i in x], [float(39 - i) for i in x]
    both = [Curve(x, rising, letter="A", color=0), Curve(x, falling, letter="B", color=1)]
    at = places(braille_chart(both, width=60, height=14), "AB")
    (row_a, column_a), (row_b, _) = at["A"], at["B"]
    assert row_a < 3, "near the end of the one that rises"
    assert row_b > 8, "near the end of the one that falls"
    alone = text(braille_chart([Curve(x, rising)], width=60, height=14))
    assert 0x2800 < ord(alone[row_a][column_a]) < 0x2900, "the letter stands on the curve"


def test_curves_that_run_together_keep_their_letters_apart():
    same = [Curve([0, 9], [1, 2], letter=letter, color=i) for i, letter in enumerate("ABCDE")]
    at = places(braille_chart(same, width=60), "ABCDE")
    assert len(set(at.values())) == 5


def test_a_letter_stands_where_the_curve_is_apart_from_the_others():
    x = list(range(100))
    joined = [0.0 if i < 50 else 5.0 for i in x]
    apart = [9.0 if i < 50 else 5.0 for i in x]
    curves = [Curve(x, joined, letter="A"), Curve(x, apart, letter="B", color=1)]
    at = places(braille_chart(curves, width=80, height=16), "AB")
    assert at["A"][1] < 50
    assert at["B"][1] < 50


def test_a_curve_without_a_colour_is_behind_the_others():
    rows = braille_chart([Curve([0, 9], [1, 1]), Curve([0, 9], [1, 1], color=None)])
    drawn = {
        color
        for row in rows[:-2]
        for piece, color in row
        if any(0x2800 < ord(char) < 0x2900 for char in piece)
    }
    assert drawn == {0}


def test_a_logarithmic_x_axis_leaves_out_what_is_not_above_zero():
    rows = text(
        braille_chart([Curve([0, 1, 10, 100], [9, 1, 2, 3])], log_x=True, x_name="iterations")
    )
    assert rows[-1].split() == ["1", "iterations", "100"]
    assert rows[0].strip().startswith("3 ┤")


def test_a_constant_and_a_single_point_can_be_drawn():
    assert dots(braille_chart([Curve([3], [7])])) == 1
    assert "7 ┤" in "\n".join(text(braille_chart([Curve([0, 9], [7, 7])])))


def test_what_a_logarithm_cannot_take_is_left_out():
    rows = text(braille_chart([Curve([0, 1, 2], [-1, 10, 1000])], log_y=True))
    assert rows[0].startswith("1e+03 ┤")
    assert braille_chart([Curve([0], [0])], log_y=True) == []


@pytest.mark.parametrize("y", [[], [math.nan], [math.inf, -math.inf]])
def test_nothing_finite_makes_no_chart(y):
    assert braille_chart([Curve(range(len(y)), y)]) == []


def test_huge_numbers_do_not_overflow():
    rows = braille_chart([Curve([0, 1], [-1.7e308, 1.7e308])])
    assert dots(rows) > 2
    assert "inf" not in "".join(text(rows))
