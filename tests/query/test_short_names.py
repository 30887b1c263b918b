"""Short names, against the names that experiments have."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anew.errors import QueryError
from anew.query.fields import Fact, Metric, Param, Target, resolve, written
from anew.query.question import parse_field
from anew.query.short_names import meanings


class Known:
    """Names given by kind."""

    empty = False

    def __init__(self, **names: Sequence[str]) -> None:
        self._names = names

    def has(self, kind: str, name: str) -> bool:
        return name in self.all(kind)

    def all(self, kind: str) -> Sequence[str]:
        return self._names.get(kind, ())

    def holds(self, kind: str, name: str) -> tuple[bool, bool]:
        return True, True


NAMES = Known(
    param=["lr", "model.depth", "seed"],
    config=["lr", "optimizer.momentum", "head.width", "body.width", "status"],
    metric=["val/acc", "train/loss", "val/loss", "seed", "system/cpu", "loss.min", "epoch"],
)


def of(text: str, **options: object) -> Target:
    return resolve(parse_field(text), NAMES, text, **options)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "target"),
    [
        ("lr", Param("either", "lr")),
        ("momentum", Param("config", "optimizer.momentum")),
        ("optimizer.momentum", Param("config", "optimizer.momentum")),
        ("depth", Param("param", "model.depth")),
        ("acc", Metric("val/acc", "last")),
        ("val/acc", Metric("val/acc", "last")),
        ("acc.max", Metric("val/acc", "max")),
        ("val/acc.step", Metric("val/acc", "step")),
        ("cpu", Metric("system/cpu", "last")),
        ("status", Fact("status", "status")),
        ("config.status", Param("config", "status")),
        ("params.lr", Param("param", "lr")),
        ("config.lr", Param("config", "lr")),
    ],
)
def test_a_short_name_is_what_it_can_only_mean(text: str, target: Target) -> None:
    assert of(text) == target


@pytest.mark.parametrize(
    ("text", "candidates"),
    [
        ("width", ("config.head.width", "config.body.width")),
        ("loss", ("metrics.train/loss", "metrics.val/loss")),
        ("seed", ("params.seed", "metrics.seed")),
    ],
)
def test_one_that_can_mean_several_lists_them(text: str, candidates: tuple[str, ...]) -> None:
    with pytest.raises(QueryError) as caught:
        of(text)
    assert caught.value.candidates == candidates
    assert all(one in str(caught.value) for one in candidates)


def test_what_is_preferred_decides_between_a_parameter_and_a_metric() -> None:
    assert of("seed", prefer="either") == Param("param", "seed")
    assert of("seed", prefer="metric") == Metric("seed", "last")
    assert of("acc", prefer="either") == Metric("val/acc", "last")


@pytest.mark.parametrize(
    ("text", "suggestion"),
    [
        ("momentun", "config.optimizer.momentum"),
        ("statsu", "status"),
        ("epohc", "metrics.epoch"),
        ("params.optimizer.momentum", "config.optimizer.momentum"),
    ],
)
def test_a_name_that_nobody_has_suggests_one(text: str, suggestion: str) -> None:
    with pytest.raises(QueryError) as caught:
        of(text)
    assert caught.value.suggestion is not None
    assert suggestion in caught.value.suggestion
    assert not caught.value.candidates


_WORDS = st.lists(st.sampled_from(["a", "b", "lr", "loss", "min"]), min_size=1, max_size=3)
_NAMES = st.lists(_WORDS.map(".".join), unique=True, max_size=5)


@given(_NAMES, _NAMES, _NAMES, _WORDS)
def test_every_meaning_is_a_name_that_there_is_and_ends_so(
    params: list[str], config: list[str], metrics: list[str], parts: list[str]
) -> None:
    known = Known(param=params, config=config, metric=metrics)
    found = meanings(parts, known)
    whole = ".".join(parts)
    for one in found:
        kinds = ["param", "config"] if one.kind == "either" else [one.kind]
        assert all(known.has(kind, one.name) for kind in kinds)
        ending = ".".join(parts[:-1]) if one.stat != "last" else whole
        assert f".{one.name}".endswith(f".{ending}")
    assert len(set(found)) == len(found)
    exact = {one for one in found if whole == one.name}
    if any(known.has(kind, whole) for kind in ("param", "config", "metric")):
        assert exact  # what has the very name comes before what ends in it


@given(_WORDS)
def test_a_candidate_as_written_means_itself(parts: list[str]) -> None:
    name = ".".join(parts)
    known = Known(param=[name])
    text = written("params", name)
    assert resolve(parse_field(text), known, text) == Param("param", name)
