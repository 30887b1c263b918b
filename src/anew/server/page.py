"""The routes behind the page of one experiment: an overview, where it comes from, and what can be shown of its files."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from typing import Any

import msgspec

from ..errors import NotFound
from ..query.question import FactsQuestion, ask
from ..query.syntax import And, Compare, Field, Match, Part, Value
from ..reading.backend import Backend
from ..reading.files import Stored
from ..reading.preview import Preview, preview
from ..reading.source import Source
from ..reading.views import ExperimentView
from ..record.facts import ExperimentFacts
from ..record.fold import RECIPE
from ..record.plain import flatten, to_plain
from ..reproduce.differences import parse_requirements
from ..store import Store
from .page_answers import (
    CorrectionFacts,
    InputFacts,
    Lineage,
    OpeningFacts,
    Overview,
    RecipeFacts,
    Relative,
)
from .routes import Call

__all__ = ["corrections", "lineage", "overview", "preview_of"]

_MOST_RELATIVES = 500
_MOST_ANCESTORS = 50


def overview(call: Call) -> Overview:
    """One experiment as its page shows it."""
    backend = call.place.backend(call.caller)
    store = Store(backend)
    view = store.get(call.question.ref)
    (facts,) = _facts(backend, view.id, "state", "metrics", "problems")
    state = facts.state
    assert state is not None
    return Overview(
        facts=msgspec.structs.replace(
            facts, state=None, read_at=facts.ended_at or facts.read_at
        ),
        duration=facts.duration if facts.ended_at is not None else None,
        error=view.error,
        tags=dict(state.tags),
        bindrs=tuple(state.bindrs),
        params=state.params,
        corrected=corrections(view),
        config=state.config,
        writers=tuple(view.writers),
        openings=tuple(
            OpeningFacts(
                status=one.status, reason=one.reason, started_at=one.started_at, ended_at=one.ended_at,
                duration=one.duration, user=one.user, host=one.host, command=tuple(one.command), config=one.config,
            )
            for one in view.openings
        ),
        recipe=_recipe(view, state.captured),
    )  # fmt: skip


def corrections(view: ExperimentView) -> tuple[CorrectionFacts, ...]:
    """What somebody changed of an experiment's parameters afterwards, beside what the program had set."""
    if not view.corrected:
        return ()
    values = flatten(view.params)
    return tuple(
        CorrectionFacts(
            name=name, was=to_plain(one.was), missing=one.missing,
            now=to_plain(values.get(name)), removed=name not in values,
            at=one.at, by=one.by, why=one.why,
        )
        for name, one in sorted(view.corrected.items())
    )  # fmt: skip


def _facts(backend: Backend, id_: str, *parts: Any) -> tuple[ExperimentFacts, ...]:
    found = backend.facts(FactsQuestion(ids=(id_,), parts=frozenset(parts), now=time.time()))
    if not found:
        raise NotFound(f"The experiment {id_} was deleted just now.", name=id_)
    return found


def _recipe(view: ExperimentView, captured: Mapping[str, Any]) -> RecipeFacts:
    """What was captured; whatever is not of the type that it is captured as is left out."""

    def fact(what: str) -> dict[str, Any]:
        found = captured.get(what)
        return dict(found) if isinstance(found, Mapping) else {}

    git, command, inputs = fact("git"), fact("command"), fact("inputs")
    words = command.get("launcher") or command.get("argv")
    return RecipeFacts(
        command=tuple(map(str, words)) if isinstance(words, list) else (),
        cwd=_text(command.get("cwd")),
        entry=_text(command.get("entry")),
        run_again=f"anew reproduce {view.id[:8]}",
        commit=_text(git.get("commit")),
        branch=_text(git.get("branch")),
        dirty=git.get("dirty") if isinstance(git.get("dirty"), bool) else None,
        remote=_text(git.get("remote")),
        patch=bool(git.get("patch")),
        submodules=_texts(git.get("submodules")),
        left_out=_texts(git.get("left_out")),
        packages=parse_requirements(view.read_capture("requirements.txt") or b""),
        environment=fact("environment"),
        hardware=fact("hardware"),
        seeds=fact("seeds"),
        variables=fact("variables"),
        inputs=tuple(
            InputFacts(name, _text(one.get("path")), _whole(one.get("size")), _text(one.get("sha256")))
            for name, one in inputs.items()
            if isinstance(one, Mapping)
        ),
        problems=_texts(captured.get("problems")),
        others={name: value for name, value in captured.items() if name not in RECIPE},
    )  # fmt: skip


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _whole(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _texts(value: object) -> dict[str, str]:
    return {k: str(v) for k, v in value.items()} if isinstance(value, Mapping) else {}


# -- where it comes from ----------------------------------------------------------------------------


def lineage(call: Call) -> Lineage:
    """Where an experiment comes from, and what came from it."""
    backend = call.place.backend(call.caller)
    view = Store(backend).get(call.question.ref)
    ancestors: list[Relative] = []
    missing = None
    seen, parent = {view.id}, view.parent
    while parent is not None and parent not in seen and len(ancestors) < _MOST_ANCESTORS:
        seen.add(parent)
        found = backend.facts(FactsQuestion(ids=(parent,), now=time.time()))
        if not found:
            missing = parent
            break
        ancestors.append(_relative(found[0]))
        parent = found[0].parent
    children, left = _those(backend, Compare(_field("parent"), "==", _value(view.id), 0))
    attempts, left_too = _attempts(backend, view.prefix)
    return Lineage(tuple(ancestors), missing, children, attempts, left + left_too)


def _attempts(backend: Backend, prefix: str) -> tuple[tuple[Relative, ...], int]:
    """The experiments that were opened under one prefix: the later ones have `~N` after it."""
    base = re.sub(r"~\d+$", "", prefix)
    pattern = f"^{re.escape(base)}(~[0-9]+)?$"
    # What an index can serve: `~` and digits come after `/` and before `:`.
    after = Compare(_field("prefix"), ">=", _value(base), 0)
    before = Compare(_field("prefix"), "<=", _value(f"{base}~:"), 0)
    exactly = Match(_field("prefix"), _value(pattern), False, 0)
    return _those(backend, And((after, before, exactly)))


def _those(backend: Backend, condition: Any) -> tuple[tuple[Relative, ...], int]:
    question = ask(
        given=[condition], sort="created_at", limit=_MOST_RELATIVES, total=True, now=time.time()
    )
    selected = backend.select(question)
    found = backend.facts(FactsQuestion(ids=tuple(selected.ids), now=time.time()))
    return tuple(map(_relative, found)), max(0, (selected.total or 0) - len(selected.ids))


def _field(name: str) -> Field:
    return Field((Part(name, False, 0),), name, 0, may_be_unknown=True)


def _value(text: str) -> Value:
    return Value("text", text, repr(text), 0)


def _relative(facts: ExperimentFacts) -> Relative:
    return Relative(
        facts.id, facts.prefix, facts.name, facts.status, facts.created_at, facts.relation, facts.parent
    )  # fmt: skip


# -- files ----------------------------------------------------------------------------------------


def preview_of(call: Call) -> Preview:
    """What can be shown of a file."""
    asked = call.question
    backend = call.place.backend(call.caller)
    view = Store(backend).get(asked.ref)
    stored = Stored(Source(backend), view.id, view.prefix, asked.kind, asked.name)
    _, size = stored.part(0, 0)
    with stored.open() as file:
        return preview(file, size, asked.name, start=asked.start, limit=asked.limit)
