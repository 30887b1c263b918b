"""The search for the smallest part that is enough: against every part of small sets, and within its budget."""

from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from anew.reproduce.search import Outcome, OutOfBudget, search


@given(st.integers(1, 12).flatmap(lambda n: st.tuples(st.just(n), st.sets(st.integers(0, n - 1), min_size=1))))  # fmt: skip
def test_causes_that_are_needed_together_are_found_exactly(case):
    count, needed = case
    answer = search(count, lambda part: Outcome.ENOUGH if needed <= set(part) else Outcome.NOT_ENOUGH)  # fmt: skip
    assert (answer.state, set(answer.part)) == ("proven", needed)


@given(st.integers(1, 64).flatmap(lambda n: st.tuples(st.just(n), st.integers(0, n - 1))))
def test_one_cause_among_many_takes_few_tests(case):
    count, needed = case
    answer = search(count, lambda part: Outcome.ENOUGH if needed in part else Outcome.NOT_ENOUGH)
    assert answer.part == (needed,)
    assert answer.tests <= 2 * math.ceil(math.log2(count)) + 3


@given(st.integers(1, 8), st.integers(0))
def test_what_is_proven_is_enough_and_needed_whatever_the_effect_is(count, seed):
    """Also where an effect comes and goes with other things: then nothing may be named wrongly."""

    def test(part):
        enough = hash((seed, tuple(part))) % 3
        return (Outcome.ENOUGH, Outcome.NOT_ENOUGH, Outcome.UNKNOWN)[enough]

    answer = search(count, test)
    if answer.state == "proven":
        rest = [one for one in range(count) if one not in answer.part]
        assert test(answer.part) is Outcome.ENOUGH
        assert not rest or test(rest) is Outcome.NOT_ENOUGH
        for one in answer.part:
            smaller = [other for other in answer.part if other != one]
            assert not smaller or test(smaller) is not Outcome.ENOUGH


def test_without_a_cause_in_the_set_one_test_says_so():
    answer = search(9, lambda part: Outcome.NOT_ENOUGH)
    assert (answer.state, answer.part, answer.tests) == ("not among", (), 1)


def test_either_of_two_that_is_enough_is_not_named():
    answer = search(2, lambda part: Outcome.ENOUGH if part else Outcome.NOT_ENOUGH)
    assert answer.state == "unconfirmed"


def test_a_budget_ends_the_search_with_what_is_known():
    left = 3

    def test(part):
        nonlocal left
        if not left:
            raise OutOfBudget
        left -= 1
        return Outcome.ENOUGH if 5 in part else Outcome.NOT_ENOUGH

    answer = search(8, test)
    assert answer.state == "unfinished"
    assert 5 in answer.part
    assert len(answer.part) < 8


def test_where_everything_together_does_not_run_single_things_are_tried():
    def test(part):
        if len(part) > 2:
            return Outcome.UNKNOWN
        return Outcome.ENOUGH if 1 in part else Outcome.NOT_ENOUGH

    answer = search(3, test)
    assert (answer.state, answer.part) == ("proven", (1,))
