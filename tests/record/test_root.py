"""What the events of a root's journal add up to."""

from __future__ import annotations

import json
import random

import hypothesis.strategies as st
from hypothesis import given

from anew.record.documents import aliases_in, documents_in, versions_in
from anew.record.root import (
    AliasSet,
    DeletedEvent,
    DocumentSet,
    Hint,
    RestoredEvent,
    RootEvent,
    RootNamed,
    RootState,
    SinkChanged,
    UnknownEvent,
    VersionSet,
    decode_root,
    in_order,
)


def document(event_id: str, value: int | None, *, t: float = 1.0, after: tuple[str, ...] = ()):
    body = None if value is None else {"value": value}
    return DocumentSet(t=t, id=event_id, after=after, kind="view", name="v", body=body)


def values(*events: RootEvent) -> list[int | None]:
    """What the document says, and what was written side by side with it."""
    found = documents_in(RootState(events))
    if not found:
        return []
    return [d.body and d.body["value"] for d in (found[0], *found[0].others)]


def test_what_was_seen_comes_before_whatever_the_clocks_say():
    assert values(document("b", 2, t=5, after=("a",)), document("a", 1, t=9)) == [2]


def test_two_that_did_not_see_each_other_are_both_shown_the_newer_first():
    first = document("a", 1)
    assert values(
        first, document("b", 2, t=2, after=("a",)), document("c", 3, t=3, after=("a",))
    ) == [3, 2]


def test_who_saw_both_replaces_both():
    both = [document("a", 1), document("b", 2)]
    assert values(*both, document("c", 3, after=("a", "b"))) == [3]


def test_a_document_that_was_changed_and_removed_side_by_side_is_still_there():
    first = document("a", 1)
    changed, removed = document("b", 2, t=2, after=("a",)), document("c", None, t=3, after=("a",))
    assert values(first, changed, removed) == [2, None]
    assert values(first, removed) == []


def test_events_that_name_each_other_in_a_circle_go_by_time():
    assert values(document("a", 1, t=1, after=("b",)), document("b", 2, t=2, after=("a",))) == [2]


def test_documents_of_two_scopes_are_two():
    events = [
        DocumentSet(t=1, id=scope, scope=scope, kind="view", name="v", body={})
        for scope in ("root", "project/a/b", "user/ge")
    ]
    assert [d.scope for d in documents_in(RootState(events))] == ["project/a/b", "root", "user/ge"]
    assert [d.scope for d in documents_in(RootState(events), scope="user/ge")] == ["user/ge"]


def test_a_version_that_was_claimed_twice_shows_both_targets():
    events = [
        VersionSet(t=t, id=target, kind="model", name="m", number=1, target=target)
        for t, target in ((1, "here"), (2, "there"))
    ]
    [version] = versions_in(RootState(events))
    assert (version.target, [o.target for o in version.others]) == ("there", ["here"])


def test_an_alias_means_the_version_it_was_given_to_last_and_none_once_taken_away():
    given_ = AliasSet(t=1, id="a", kind="model", name="m", alias="best", number=1)
    moved = AliasSet(t=2, id="b", after=("a",), kind="model", name="m", alias="best", number=2)
    away = AliasSet(t=3, id="c", after=("b",), kind="model", name="m", alias="best")
    assert [a.number for a in aliases_in(RootState([given_, moved]))] == [2]
    assert aliases_in(RootState([given_, moved, away])) == []


def test_what_was_deleted_is_not_shown_until_it_is_restored():
    gone = DeletedEvent(t=2, id="a", experiment_id="x", prefix="p/x")
    back = RestoredEvent(t=1, id="b", after=("a",), experiment_id="x", prefix="p/x")
    assert set(RootState([gone]).deleted()) == {"x"}
    assert set(RootState([gone, back]).deleted()) == set()


def test_the_first_id_of_a_root_stays_and_a_sink_is_there_until_it_ends():
    state = RootState(
        [
            RootNamed(t=2, id="a", root_id="late"),
            RootNamed(t=1, id="b", root_id="early"),
            SinkChanged(t=1, id="c", name="push", address="https://server"),
            SinkChanged(t=1, id="d", name="other"),
            SinkChanged(t=2, id="e", after=("d",), name="other", registered=False),
        ]
    )
    assert state.root_id() == "early"
    assert state.sinks() == {"push": "https://server"}


def test_a_kind_that_is_not_known_is_kept_and_a_broken_line_is_told_with_its_number():
    lines = [
        {"k": "opened", "t": 1.0, "experiment_id": "x", "prefix": "p"},
        {"k": "invented", "t": 2.0, "id": "i", "after": ["h"], "colour": "blue"},
        {"k": "document", "t": 3.0, "id": "j", "kind": "view"},
    ]
    data = b"".join(json.dumps(line).encode() + b"\n" for line in lines) + b"\n{\n"
    found, broken = decode_root(data, 11)
    hint, unknown = (line.event for line in found)
    assert isinstance(hint, Hint)
    assert isinstance(unknown, UnknownEvent)
    assert (unknown.kind, unknown.id, unknown.after) == ("invented", "i", ("h",))
    assert b"blue" in found[1].raw
    assert [b.line for b in broken] == [13, 15]


ids = st.sampled_from("abcdefgh")


@st.composite
def histories(draw: st.DrawFn) -> list[DocumentSet]:
    """Events of one document as any number of authors could have written them, and as nobody could."""
    return [
        document(
            event_id,
            draw(st.none() | st.integers(0, 5)),
            t=draw(st.integers(0, 3)),
            after=tuple(draw(st.lists(ids, max_size=3))),
        )
        for event_id in draw(st.lists(ids, max_size=10))
    ]


@given(histories(), st.randoms())
def test_the_state_depends_on_the_set_of_events_and_not_on_their_order(
    history: list[DocumentSet], rng: random.Random
):
    shuffled = history + rng.sample(history, len(history) // 2)  # two copies put together
    rng.shuffle(shuffled)
    assert in_order(shuffled) == in_order(history)
    assert documents_in(RootState(shuffled)) == documents_in(RootState(history))
    state = RootState()
    for event in shuffled:  # asked in between, and whatever was asked
        state.add(event)
        documents_in(state)
    assert documents_in(state) == documents_in(RootState(history))


@given(histories())
def test_nothing_counts_before_what_it_has_seen_unless_in_a_circle(history: list[DocumentSet]):
    ordered = in_order(history)
    assert len({e.id for e in ordered}) == len(ordered) == len({e.id for e in history})
    place = {event.id: at for at, event in enumerate(ordered)}
    reach = {e.id: {i for i in e.after if i in place and i != e.id} for e in ordered}
    for _ in ordered:
        reach = {i: seen.union(*(reach[s] for s in seen)) for i, seen in reach.items()}
    circular = {i for i, seen in reach.items() if i in seen}
    for event in ordered:
        if not reach[event.id] & circular and event.id not in circular:
            assert all(place[seen] < place[event.id] for seen in reach[event.id])
