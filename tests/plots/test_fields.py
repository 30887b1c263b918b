import pytest

from anew.errors import InvalidValue, NotFound
from anew.plots.fields import field_values, metric_result

REF = "lab/sweep/lr0.1-1"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("params.lr", 0.1), ("lr", 0.1), ("params.model.name", "cnn"), ("model.name", "cnn"),
        ("status", "completed"), ("name", "lr0.1-1"),
        ("project", "sweep"), ("owner", "lab"), ("metrics.val/loss", 1.2), ("val/loss.min", 1.2),
    ],
)  # fmt: skip
def test_a_field_is_read_by_its_name(store, field, value):
    found = field_values([store.get(REF)], field)
    assert found == [pytest.approx(value) if isinstance(value, float) else value]


@pytest.mark.parametrize("field", ["params.nope", "config.lr", "tags.none", "nope", "metrics.nope"])
def test_a_field_that_none_of_them_has_is_an_error(store, field):
    with pytest.raises(NotFound):
        field_values([store.get(REF)], field)


def test_a_field_that_one_of_them_lacks_is_none_there(store):
    other = store.get("lab/sweep/lr0.01-1")
    assert field_values([other, store.get(REF)], "warmup") == [None, 10]


def test_a_result_is_the_best_by_its_name_unless_said(store):
    view = store.get(REF)
    assert metric_result(view, "val/acc", "best") == pytest.approx(1.8)
    assert metric_result(view, "val/loss", "best") == pytest.approx(1.2)
    assert metric_result(view, "val/loss", "max") == 3
    assert metric_result(view, "nope", "best") is None


def test_a_result_that_is_not_a_number_is_none(store):
    assert metric_result(store.get("lab/odd/spike"), "train/loss", "last") == 1


def test_an_empty_name_is_refused(store):
    with pytest.raises(InvalidValue):
        field_values([store.get(REF)], ".")
