"""Following a source whose network, file or lock comes and goes."""

from __future__ import annotations

import random
from itertools import islice, pairwise

import pytest

from anew.errors import CorruptData, NotAllowed
from anew.importing.watching import LONGEST_PAUSE, rounds
from anew.importing.web import Web


def _rounds(outcomes: list[object], told: list[str], paused: list[float]):  # type: ignore[no-untyped-def]
    given = iter(outcomes)

    def once() -> object:
        found = next(given)
        if isinstance(found, Exception):
            raise found
        return found

    return rounds(
        once, every=5.0, away=lambda error: told.append("away"), back=lambda: told.append("back"), pause=paused.append
    )  # fmt: skip


def test_failures_are_waited_out_with_growing_pauses_and_told_once():
    told: list[str] = []
    paused: list[float] = []
    failures: list[object] = [ConnectionError(), CorruptData("html"), *[TimeoutError()] * 10]
    found = list(islice(_rounds([1, *failures, 2, 3, OSError(), 4], told, paused), 4))
    assert found == [1, 2, 3, 4]
    assert told == ["away", "back", "away", "back"]
    waits = paused[1 : 1 + len(failures)]
    assert all(a < b or b >= 0.75 * LONGEST_PAUSE for a, b in pairwise(waits))
    assert 0.75 * LONGEST_PAUSE <= waits[-1] <= LONGEST_PAUSE
    assert paused[1 + len(failures)] == paused[0] == 5.0  # it is as quick as before


@pytest.mark.parametrize("outcomes", [[ConnectionError()], [1, NotAllowed("no")]])
def test_what_does_not_pass_by_itself_ends_it(outcomes):
    with pytest.raises(OSError):
        list(_rounds(outcomes, [], []))


def test_waiting_leaves_random_numbers_of_the_program_as_they_were():
    random.seed(7)
    before = random.getstate()
    list(islice(_rounds([1, ConnectionError(), 2], [], []), 2))
    with pytest.raises(OSError):
        Web("http://127.0.0.1:9", {}, attempts=2, pause=lambda seconds: None).ask("/")
    assert random.getstate() == before
