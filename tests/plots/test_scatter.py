import pytest

from reenact.plots.scatter import axis_of


def test_learning_rates_lie_on_a_logarithmic_axis():
    assert axis_of([1e-4, 1e-3, 1e-1]).kind == "log"


@pytest.mark.parametrize("values", [[1, 2, 40], [0, 1, 1000], [-1, 500]])
def test_close_or_not_positive_numbers_lie_on_a_linear_axis(values):
    assert axis_of(values).kind == "linear"


def test_text_gets_a_place_per_value_in_natural_order():
    axis = axis_of(["adam", "sgd", "adam", None])
    assert (axis.kind, axis.places, axis.categories) == ("text", [0, 1, 0, None], ["adam", "sgd"])


def test_numbers_among_texts_are_places_in_their_own_order():
    assert axis_of([10, 9, "none"]).categories == ["9", "10", "none"]


def test_booleans_are_two_places():
    assert axis_of([True, False]).categories == ["False", "True"]
