"""The state of an experiment, as the fold of its events."""

from __future__ import annotations

import copy
from collections.abc import Iterable
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from anew.record.events import (
    BindrsChanged,
    Captured,
    Closed,
    ConfigSet,
    Event,
    FieldSet,
    FileLogged,
    Linked,
    Opened,
    ParamsSet,
    RecordsLost,
    TagsChanged,
    ValueLogged,
)
from anew.record.fold import ExperimentState, Written, in_order
from anew.record.fold import fold as fold_written
from anew.record.plain import flatten, nest
from anew.record.status import Status


def opened(t: float, role: str = "lead", **more: Any) -> Opened:
    return Opened(t=t, version=1, experiment_id="abc", name="run", role=role, **more)


def closed(t: float, status: Status = Status.COMPLETED, **more: Any) -> Closed:
    return Closed(t=t, status=status, **more)


def written(events: Iterable[tuple[str, Event]]) -> list[Written]:
    """Events as if each were ten bytes long."""
    ends: dict[str, int] = {}
    found = []
    for writer, event in events:
        ends[writer] = ends.get(writer, 0) + 10
        found.append(Written(writer, ends[writer], event))
    return found


def fold(events: Iterable[tuple[str, Event]]) -> ExperimentState:
    return fold_written(written(events))


def one(*events: Event) -> ExperimentState:
    return fold([("0001-main", event) for event in events])


def test_nothing_is_pending() -> None:
    state = fold([])
    assert state.outcome() == (Status.PENDING, None)
    assert state.ended_at is None


def test_an_experiment_runs_from_its_opening_to_its_end() -> None:
    assert one(opened(1)).outcome() == (Status.RUNNING, None)
    state = one(opened(1), closed(5))
    assert state.outcome() == (Status.COMPLETED, None)
    assert (state.created_at, state.started_at, state.ended_at) == (1, 1, 5)
    failed = one(opened(1), closed(5, Status.FAILED, reason="it broke", error="Traceback"))
    assert failed.outcome() == (Status.FAILED, "it broke")


def test_labels_params_and_captures_are_those_of_the_last_events() -> None:
    state = one(
        opened(1),
        FieldSet(t=2, field="name", value="better"),
        FieldSet(t=2, field="description", value="about it"),
        FieldSet(t=2, field="notes", value="first"),
        FieldSet(t=3, field="notes", value=None),
        TagsChanged(t=2, add={"a": None, "team": "ml"}),
        TagsChanged(t=3, add={"team": "nlp"}, remove=["a"]),
        BindrsChanged(t=2, add=["x", "y"]),
        BindrsChanged(t=3, add=["x"], remove=["y"]),
        ParamsSet(t=2, params={"lr": 1, "model": {"name": "a", "depth": 3}}),
        ParamsSet(t=3, params={"model": {"depth": 4}}),
        ConfigSet(t=2, config={"lr": 1}),
        ConfigSet(t=3, config={"lr": 2}),
        Linked(t=2, parent="def", relation="forked"),
        Captured(t=2, what="git", data={"commit": "1"}),
        Captured(t=3, what="git", data={"commit": "2"}),
        FileLogged(t=2, file_id="1", prefix="", name="a", path="files/a", size=10, hash="x"),
        ValueLogged(t=2, name="v", kind="text", data="x"),
        RecordsLost(t=2, count=3, reason="no space"),
        RecordsLost(t=3, count=2, reason="no space left"),
    )
    assert (state.name, state.description, state.notes) == ("better", "about it", None)
    assert state.tags == {"team": "nlp"}
    assert state.bindrs == ["x"]
    assert state.params == {"lr": 1, "model": {"name": "a", "depth": 4}}
    assert state.config == {"lr": 1}  # frozen: the first one counts
    assert (state.parent, state.relation) == ("def", "forked")
    assert state.captured == {"git": {"commit": "2"}}
    assert (state.files, state.file_bytes, state.values) == (1, 10, 1)
    assert (state.lost, state.lost_reason) == (5, "no space left")
    assert state.folded_to == 3


def test_the_failure_of_one_rank_is_the_experiments() -> None:
    events: list[tuple[str, Event]] = [
        ("0001-main", opened(1)),
        ("0002-rank1", opened(1.5, "rank")),
        ("0001-main", closed(5)),
    ]
    assert fold(events).outcome() == (Status.RUNNING, None)
    events.append(("0002-rank1", closed(6, Status.FAILED, reason="rank 1")))
    assert fold(events).outcome() == (Status.FAILED, "rank 1")
    assert fold(events).ended_at == 6


def test_children_and_edits_decide_nothing() -> None:
    events: list[tuple[str, Event]] = [
        ("0001-main", opened(1)),
        ("0003-child-9", opened(2, "child")),
        ("edit-host", opened(9, "edit")),
        ("0001-main", closed(5)),
        ("edit-host", TagsChanged(t=9, add={"late": None})),
    ]
    state = fold(events)
    assert state.outcome() == (Status.COMPLETED, None)
    assert state.ended_at == 5
    assert state.tags == {"late": None}


def test_continuing_supersedes_how_it_ended_before() -> None:
    events: list[tuple[str, Event]] = [
        ("0001-main", opened(1)),
        ("0001-main", closed(2, Status.FAILED, reason="out of memory")),
        ("0002-main", opened(10)),
    ]
    assert fold(events).outcome() == (Status.RUNNING, None)
    events.append(("0002-main", closed(12)))
    state = fold(events)
    assert state.outcome() == (Status.COMPLETED, None)
    assert (state.created_at, state.started_at, state.ended_at) == (1, 1, 12)


def test_continuing_on_a_machine_whose_clock_is_slow_supersedes_all_the_same() -> None:
    events: list[tuple[str, Event]] = [
        ("0001-main-aaaa", opened(1000)),
        ("0002-rank1-cccc", opened(1001, "rank")),
        ("0002-rank1-cccc", closed(1002, Status.FAILED)),
        ("0001-main-aaaa", closed(1003, Status.FAILED)),
        ("0003-main-bbbb", opened(5, after={"0001-main-aaaa": 20, "0002-rank1-cccc": 20})),
    ]
    assert fold(events).outcome() == (Status.RUNNING, None)
    events.append(("0003-main-bbbb", closed(9)))
    assert fold(events).outcome() == (Status.COMPLETED, None)
    assert fold(events).ended_at == 9


def test_a_writer_that_lived_on_after_it_was_given_up_decides_again() -> None:
    verdict = closed(4, Status.FAILED, by="reader", writer="0002-rank1")
    events: list[tuple[str, Event]] = [
        ("0001-main", opened(1)),
        ("0002-rank1", opened(1, "rank")),
        ("edit-host", verdict),
        ("0003-main", opened(5)),
        ("0002-rank1", closed(8, Status.FAILED, reason="at last")),
        ("0003-main", closed(9)),
        ("0001-main", closed(9)),
    ]
    assert fold(events).outcome() == (Status.FAILED, "at last")


def test_a_readers_verdict_ends_a_vanished_writer_but_never_outweighs_its_own_word() -> None:
    verdict = closed(9, Status.FAILED, reason="vanished", by="reader", writer="0001-main")
    state = fold([("0001-main", opened(1)), ("edit-host", verdict)])
    assert state.outcome() == (Status.FAILED, "vanished")
    state = fold([("0001-main", opened(1)), ("0001-main", closed(5)), ("edit-host", verdict)])
    assert state.outcome() == (Status.COMPLETED, None)
    later = closed(11)
    state = fold([("0001-main", opened(1)), ("edit-host", verdict), ("0001-main", later)])
    assert state.outcome() == (Status.COMPLETED, None)


def test_a_clock_set_back_does_not_turn_a_writers_events_around() -> None:
    state = one(
        opened(100),
        ParamsSet(t=101, params={"lr": 1}),
        ParamsSet(t=50, params={"lr": 2}),
        closed(51),
    )
    assert state.params == {"lr": 2}
    assert state.outcome() == (Status.COMPLETED, None)
    assert one(opened(100), closed(10)).outcome() == (Status.COMPLETED, None)


def test_folding_leaves_the_events_as_they_were() -> None:
    events: list[tuple[str, Event]] = [
        ("w", opened(1)),
        ("w", ParamsSet(t=2, params={"a": {"b": {"c": 1}}})),
        ("w", ParamsSet(t=3, params={"a": {"b": {"c": 2, "d": 3}}})),
        ("w", BindrsChanged(t=3, add=["x"])),
        ("w", TagsChanged(t=3, add={"a": None})),
    ]
    before = copy.deepcopy(events)
    first = fold(events)
    assert events == before
    assert fold(events) == first


WRITERS = ("0001-main", "0002-rank1", "edit-host")
CHANGES = st.one_of(
    st.builds(lambda t, k, v: ParamsSet(t=t, params={k: {"x": v}}), st.floats(1, 9), st.sampled_from("ab"), st.integers()),
    st.builds(lambda t, k: TagsChanged(t=t, add={k: None}), st.floats(1, 9), st.sampled_from("ab")),
    st.builds(lambda t, k: TagsChanged(t=t, remove=[k]), st.floats(1, 9), st.sampled_from("ab")),
    st.builds(lambda t, v: FieldSet(t=t, field="notes", value=v), st.floats(1, 9), st.text(max_size=2)),
)  # fmt: skip
STREAMS = st.lists(st.lists(CHANGES, max_size=5), min_size=3, max_size=3)


@given(STREAMS, st.randoms())
def test_the_state_depends_on_the_events_and_not_on_when_they_are_seen(
    streams: list[list[Event]], chance: Any
) -> None:
    in_files = [(w, e) for w, events in zip(WRITERS, streams, strict=True) for e in events]
    waiting = {w: list(events) for w, events in zip(WRITERS, streams, strict=True)}
    as_seen = []
    while any(waiting.values()):
        writer = chance.choice([w for w, events in waiting.items() if events])
        as_seen.append((writer, waiting[writer].pop(0)))
    assert fold(as_seen) == fold(in_files)


def test_what_a_writer_had_seen_comes_before_it_whatever_the_clocks_say() -> None:
    fast: list[tuple[str, Event]] = [
        ("0001-main-aaaa", opened(1000)),
        ("0001-main-aaaa", FieldSet(t=1001, field="notes", value="first")),
    ]
    unseen = ("0001-main-aaaa", FieldSet(t=1002, field="description", value="first"))
    slow: list[tuple[str, Event]] = [
        ("0002-main-bbbb", opened(5, after={"0001-main-aaaa": 20})),
        ("0002-main-bbbb", FieldSet(t=6, field="notes", value="second")),
        ("0002-main-bbbb", FieldSet(t=7, field="description", value="second")),
    ]
    state = fold([*fast, unseen, *slow])
    assert state.notes == "second"  # it had seen the other
    assert state.description == "first"  # side by side: by the clock
    assert state.seen == {"0001-main-aaaa": 20}


def test_writers_that_claim_to_have_seen_each_other_are_folded_all_the_same() -> None:
    events: list[tuple[str, Event]] = [
        ("a", opened(1, after={"b": 1000})),
        ("b", opened(2, after={"a": 1000, "nobody": 7, "b": 99})),
        ("a", FieldSet(t=3, field="notes", value="x")),
    ]
    assert fold(events).notes == "x"
    assert set(fold(events).writers) == {"a", "b"}


@st.composite
def seen_and_written(draw: st.DrawFn) -> list[tuple[str, Event]]:
    """Events in the order in which they happened, on clocks that know nothing of each other."""
    sizes: dict[str, int] = {}
    events: list[tuple[str, Event]] = []
    for n in range(draw(st.integers(0, 9))):
        writer = draw(st.sampled_from(WRITERS))
        seen = {
            w: draw(st.integers(0, size // 10)) * 10 for w, size in sizes.items() if w != writer
        }
        event = FieldSet(t=draw(st.integers(1, 5)), field="notes", value=str(n), after=seen or None)
        events.append((writer, event))
        sizes[writer] = sizes.get(writer, 0) + 10
    return events


@given(seen_and_written(), st.randoms())
def test_the_order_keeps_what_was_seen_and_not_how_files_were_put_together(
    events: list[tuple[str, Event]], chance: Any
) -> None:
    happened = written(events)
    ordered = in_order(happened)
    place = {(w.writer, w.end): n for n, w in enumerate(ordered)}
    assert len(place) == len(happened)
    for one in happened:
        before = {**(one.event.after or {}), one.writer: one.end - 10}
        for writer, size in before.items():
            for end in range(10, size + 1, 10):
                assert place[writer, end] < place[one.writer, one.end]
    shuffled = sorted(happened, key=lambda _: chance.random())
    assert in_order(sorted(shuffled, key=lambda w: w.end)) == ordered


def test_a_state_survives_being_written_and_read() -> None:
    state = one(
        opened(1, host="h"),
        ParamsSet(t=2, params={"a": {"$float": "NaN"}}),
        closed(3, Status.FAILED),
    )
    again = msgspec.json.decode(msgspec.json.encode(state), type=ExperimentState)
    assert again == state
    assert again.outcome() == state.outcome()


@pytest.mark.parametrize("status", Status)
def test_a_status_is_its_name(status: Status) -> None:
    assert str(status) == status.value == status == f"{status}"
    assert status.ended == (status in ("completed", "failed", "cancelled"))


def test_what_two_set_side_by_side_is_told_until_somebody_who_saw_both_sets_it_again() -> None:
    first = ("edit-x-a", FieldSet(t=2, field="notes", value="theirs"))
    tags = ("edit-x-a", TagsChanged(t=2, add={"best": None, "same": "1"}, remove=[]))
    other = ("edit-x-b", FieldSet(t=3, field="notes", value="ours", after={"edit-x-a": 0}))
    others = ("edit-x-b", TagsChanged(t=3, add={"same": "1"}, remove=["best"], after={}))
    events = [("0001-main-aaaa", opened(1)), first, tags, other, others]
    state = fold(events)
    assert state.notes == "ours"
    assert state.contested == {"notes": "theirs", "tags.best": True}
    # In whatever order the copies come together, it is the same conflict.
    assert fold([events[0], other, others, first, tags]).contested == state.contested
    seen = {"edit-x-a": 20, "edit-x-b": 20}
    settled = ("edit-x-b", FieldSet(t=4, field="notes", value="both", after=seen))
    assert fold([*events, settled]).contested == {"tags.best": True}


def test_who_knows_of_a_change_does_not_contest_it() -> None:
    first = ("edit-x-a", FieldSet(t=2, field="notes", value="draft"))
    again = ("edit-x-b", FieldSet(t=3, field="notes", value="final", after={"edit-x-a": 10}))
    own = ("edit-x-b", FieldSet(t=4, field="notes", value="final!", after={"edit-x-a": 10}))
    assert fold([("0001-main-aaaa", opened(1)), first, again, own]).contested == {}


VALUES = st.one_of(st.integers(0, 2), st.booleans(), st.just(1.0), st.just({"$float": "NaN"}))
PARAMS = st.dictionaries(st.sampled_from(["a", "b.c", "b.d"]), VALUES, max_size=2)


@given(
    st.lists(
        st.tuples(st.booleans(), PARAMS, st.lists(st.sampled_from(["a", "b.c"]), max_size=1)),
        max_size=6,
    )
)
def test_what_corrections_take_the_place_of_is_what_the_program_set(steps):
    state, ours, theirs = ExperimentState(), {}, {}
    for at, (corrects, params, remove) in enumerate(steps):
        gone = remove if corrects else []
        event = ParamsSet(t=float(at), params=nest(params), remove=gone, by="al", why=str(at))
        state.apply("edit-abc-host-1" if corrects else "0001-main", event, at + 1)
        for name, value in params.items():
            theirs[name] = value
            if not corrects:
                ours[name] = value
        if corrects:
            theirs = {name: value for name, value in theirs.items() if name not in gone}
    told = {name: (one.missing, one.was) for name, one in state.corrected.items()}
    assert flatten(state.params) == theirs
    expected = {
        name: (name not in ours, ours.get(name))
        for name in ours.keys() | theirs.keys()
        if repr(ours.get(name, "nothing")) != repr(theirs.get(name, "nothing"))
    }
    assert repr(sorted(told.items())) == repr(sorted(expected.items()))
