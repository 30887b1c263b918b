"""A day on the hot tail: what was accepted is there once, and rows of the database are short-lived."""

from __future__ import annotations

import random

import pytest

from anew.blobs.folder import FolderBlobs
from anew.record.ids import new_id
from anew.server.group.keeping import Keeper
from anew.server.group.segments import Append
from anew.server.group.truth import Truth

STEP = 600
"""Seconds between two looks of the keeper."""
_TIMES = (
    "UPDATE chunk SET at = at",
    "UPDATE content SET at = at",
    "UPDATE segment SET changed_at = changed_at",
)


class _Busy(FolderBlobs):
    """Blobs of a store that answers 503 now and then, sometimes after it has done what was asked."""

    chance = random.Random(7)
    steady = False

    def create(self, key: str, data: object) -> bool:
        draw = 1.0 if self.steady else self.chance.random()
        if draw < 0.1:
            raise OSError("503 Slow Down")
        made = super().create(key, data)  # type: ignore[arg-type]  # bytes, as everywhere
        if draw < 0.2:
            raise OSError("503 Slow Down, and yet it was done")
        return made


@pytest.mark.slow
def test_a_day_of_small_writes_loses_and_doubles_nothing_and_leaves_no_rows(
    url: str, tmp_path_factory: pytest.TempPathFactory, truth: Truth
):
    blobs = _Busy(str(tmp_path_factory.mktemp("bucket")), durable=False)
    truth = Truth(truth.database, blobs)
    keeper, chance = Keeper(truth), random.Random(1)
    places = [(new_id(), f"metrics/0001-main-{n:04d}.jsonl") for n in range(6)]
    sent = dict.fromkeys(places, b"")
    worst = failures = 0
    for step in range(24 * 3600 // STEP):
        for place in chance.sample(places, 2):  # the others are idle
            data = b"".join(b"%d %d\n" % (step, n) for n in range(chance.randrange(1, 30)))
            known = sent[place]
            back = chance.randrange(min(len(known), 40) + 1)  # a part of it is repeated
            at = len(known) - back
            one = Append(*place, at, known[at:] + data, known[max(0, at - 8) : at])
            for _ in range(2):  # the answer to the first was lost
                with truth.database.transaction() as connection:
                    (told,) = truth.segments.append(connection, [one], lambda _: None)
                assert (told.status, told.size) == ("ok", len(known) + len(data))
            sent[place] = known + data
        for change in _TIMES:  # the time that passes until the next look
            truth.database.do(f"{change} - make_interval(secs => %s)", (STEP,))
        for _ in range(20):
            try:
                while keeper.keep():
                    pass
                break
            except OSError:
                failures += 1
        else:
            pytest.fail("the keeper never caught up")
        worst = max(worst, truth.tail().bytes)
    assert failures > 10
    assert worst == 0
    blobs.steady = True
    for (id, name), data in sent.items():
        assert truth.segments.read(id, name, 0, len(data) + 1) == data
        pieces = sorted(blobs.keys(f"experiments/{id}/segments/{name}"))
        assert b"".join(blobs.read(key) for key in pieces) == data
    ((chunks, contents),) = truth.database.ask(
        "SELECT (SELECT count(*) FROM chunk), (SELECT count(*) FROM content WHERE data IS NOT NULL)"
    )
    assert (chunks, contents) == (0, 0)
