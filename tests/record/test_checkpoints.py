"""Which checkpoints stay."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anew.record.checkpoints import Candidate, best_of, series_of, to_free


def saved(*scores: float | None, name: str = "epoch-{}.pt") -> list[Candidate]:
    return [Candidate(name.format(i), f"s{i}", i, score) for i, score in enumerate(scores)]


def kept(given: list[Candidate], **rule: object) -> list[int]:
    freed = to_free(given, **rule)  # type: ignore[arg-type]
    return [at for at in range(len(given)) if at not in freed]


def test_the_last_and_the_best_stay_together() -> None:
    files = saved(0.5, 0.9, 0.7, 0.6)
    assert kept(files, last=1) == [3]
    assert kept(files, best=True, mode="max") == [1]
    assert kept(files, last=2, best=True, mode="max") == [1, 2, 3]
    assert kept(files, last=1, best=True, mode="min") == [0, 3]
    assert kept(files) == []


def test_of_equal_ones_the_first_is_the_best() -> None:
    winner = best_of(saved(1.0, 2.0, 2.0), "max")
    assert winner is not None
    assert winner.step == 1
    again = [
        Candidate("m.pt", f"s{n}", step, score)
        for n, (step, score) in enumerate([(1, 0.0), (0, 0.0), (1, None)])
    ]
    assert kept(again, best=True) == [0, 2]


def test_while_nothing_says_which_is_best_all_are_kept() -> None:
    assert kept(saved(None, float("nan"), None), last=1, best=True) == [0, 1, 2]
    assert kept(saved(None, 0.5, None), last=1, best=True) == [1, 2]


def test_files_of_one_step_or_one_folder_go_together() -> None:
    shards = [Candidate(f"model-{n}-of-2.pt", f"s{s}{n}", s, None) for s in (1, 2) for n in (1, 2)]
    assert kept(shards, last=1) == [2, 3]
    folders = [Candidate(f"checkpoint-{s}", f"s{s}", None, None) for s in (1, 1, 2, 2)]
    assert kept(folders, last=1) == [2, 3]


def test_names_that_differ_in_more_than_numbers_are_looked_at_for_themselves() -> None:
    both = [Candidate(name, f"{name}{s}", s, None) for s in (1, 2) for name in ("model", "optim")]
    assert kept(both, last=1) == [2, 3]
    assert series_of("epoch-1.pt") == series_of("epoch-12.pt") != series_of("last.pt")
    assert series_of("acc0.91.pt") == series_of("acc0.9.pt")


def test_a_step_that_is_saved_again_is_the_newest() -> None:
    again = [Candidate("m.pt", f"s{n}", step, None) for n, step in enumerate((1, 2, 1))]
    assert kept(again, last=1) == [0, 2]


@given(
    st.lists(st.tuples(st.integers(0, 5), st.none() | st.floats()), max_size=12),
    st.integers(0, 4),
    st.booleans(),
    st.sampled_from(["min", "max"]),
)
def test_more_is_never_freed_by_keeping_more(
    given: list[tuple[int, float | None]], last: int, best: bool, mode: str
) -> None:
    files = [Candidate("m.pt", f"s{n}", step, score) for n, (step, score) in enumerate(given)]
    freed = set(to_free(files, last=last, best=best, mode=mode))
    assert freed <= set(to_free(files, last=last, mode=mode))
    assert set(to_free(files, last=last + 1, best=best, mode=mode)) <= freed
    left = [one for at, one in enumerate(files) if at not in freed]
    assert to_free(left, last=last, best=best, mode=mode) == []
    if best and (winner := best_of(files, mode)):
        assert winner in left


@pytest.mark.parametrize("last", [1, 3])
def test_the_newest_is_always_among_the_last(last: int) -> None:
    assert kept(saved(1.0, 2.0, 3.0, 4.0), last=last)[-1] == 3
