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


def test_the_generator_that_programs_seed_is_left_as_it_is():
    random.seed(16)
    before = random.getstate()
    assert list(islice(_rounds([1, OSError(), 2], [], []), 2)) == [1, 2]
    busy = Web("http://127.0.0.1:9", {}, attempts=2, pause=lambda seconds: None)
    with pytest.raises(OSError, match="does not answer"):
        busy.ask("/")
    assert random.getstate() == before


@pytest.mark.parametrize("outcomes", [[ConnectionError()], [1, NotAllowed("no")]])
def test_what_does_not_pass_by_itself_ends_it(outcomes):
    with pytest.raises(OSError):
        list(_rounds(outcomes, [], []))
