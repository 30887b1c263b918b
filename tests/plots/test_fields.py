import pytest

from anew.errors import InvalidValue
from anew.plots.fields import field_value, metric_result

REF = "lab/sweep/lr0.1-1"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("params.lr", 0.1), ("lr", 0.1), ("params.model.name", "cnn"), ("model.name", "cnn"),
        ("params.nope", None), ("config.depth", None), ("status", "completed"), ("name", "lr0.1-1"),
        ("project", "sweep"), ("owner", "lab"), ("tags.none", None), ("metrics.val/loss", 1.2),
    ],
)  # fmt: skip
def test_a_field_is_read_by_its_name(store, field, value):
    assert field_value(store.get(REF), field) == (
        pytest.approx(value) if field[0:2] == "me" else value
    )


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
        field_value(store.get(REF), "params.")
