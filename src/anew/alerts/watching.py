"""Watching a store: what has changed is held against the alerts, what was found is written down, and people are told."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

import msgspec

from ..errors import AnewError, QueryError
from ..query.changes import ChangesQuestion
from ..query.parser import parse
from ..query.question import FactsQuestion, ask
from ..query.question import Part as FactsPart
from ..query.syntax import Expression
from ..reading.backend import Backend
from ..reading.given import since
from ..record.facts import ExperimentFacts, MetricSummary
from ..record.status import Status
from .firing import (
    FIRED,
    MENTIONED,
    Delivery,
    Fired,
    all_fired,
    fire,
    fired_name,
    one_fired,
    replace,
    waiting,
)
from .mentions import fire_mentions
from .rules import Alert, Condition, all_alerts
from .sending import Sender, message_of

__all__ = ["PAUSES", "Step", "Watch", "meets"]

PAUSES = (10.0, 60.0, 600.0, 3600.0)
"""Seconds between one try to tell somebody and the next; after the last, it failed for good."""
_CLAIMED = 120.0
"""Seconds for which whoever sends has it for itself."""
_AT_ONCE = 500
_PARTS: dict[str, frozenset[FactsPart]] = {
    "nan": frozenset({"metrics"}), "stalled": frozenset({"metrics"}), "verdict": frozenset({"state"}),
}  # fmt: skip
_READ_AGAIN = 5.0
"""Seconds after which comments are read again."""
_LOOK_AGAIN = 60.0
"""Seconds after which what others left to be sent is looked for."""


class Step(NamedTuple):
    """What one step did."""

    fired: int = 0
    sent: int = 0
    failed: int = 0


class Watch:
    """Evaluates the alerts of a store. Not for several threads at once; any number of processes may, and each thing is told once.

    Args:
        backend: The store; what it shows is what alerts see.
        sender: Who tells people.
        say: Told, in words, of alerts that cannot be evaluated and of people who could not be told.
        clock: The time.
    """

    def __init__(
        self,
        backend: Backend,
        sender: Sender,
        *,
        say: Callable[[str], None] = lambda text: None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._backend = backend
        self._sender = sender
        self._say = say
        self._clock = clock
        self._cursor: str | None = None
        self._alerts: dict[str, Alert] = {}
        self._running: dict[tuple[str, str], float] = {}
        self._known: set[str] = set()
        self._open: dict[str, Fired] = {}
        self._looked = 0.0
        self._read = 0.0
        self._said: set[str] = set()

    def step(self, wait: float = 0.0) -> Step:
        """Look at what has changed since the last step, and send what is due.

        Args:
            wait: Seconds to wait for a change.

        Raises:
            OSError: The store cannot be reached.
        """
        changes = self._backend.changes(ChangesQuestion(self._cursor, wait))
        whole = self._cursor is None or changes.everything
        alerts = {one.key: one for one in all_alerts(self._backend)}
        now = self._clock()
        if self._looked == 0.0 or now - self._looked >= _LOOK_AGAIN:
            self._look_for_open(now)
        self._running = {at: due for at, due in self._running.items() if at[0] in alerts}
        count = 0
        for key, alert in alerts.items():
            if whole or key not in self._alerts:
                count += self._evaluate(alert, None)
            elif changes.ids:
                count += self._evaluate(alert, changes.ids)
            due = [id_ for (of, id_), when in self._running.items() if of == key and when <= now]
            if due:
                count += self._evaluate(alert, due)
        if self._sender.places and now - self._read >= _READ_AGAIN:
            count += self._read_comments(now)
        self._alerts, self._cursor = alerts, changes.cursor
        sent, failed = self._send()
        return Step(count, sent, failed)

    # -- finding ----------------------------------------------------------------------------------

    def _evaluate(self, alert: Alert, ids: Sequence[str] | None) -> int:
        """Hold experiments against an alert; all that changed since it was made if no ids are given."""
        condition = alert.condition
        count = 0
        for some in self._that_fit(alert, condition, ids):
            now = self._clock()
            parts = _PARTS.get(condition.kind, frozenset())
            facts = self._backend.facts(FactsQuestion(ids=tuple(some), parts=parts, now=now))
            for one in facts:
                count += self._judge(alert, condition, one, now)
        return count

    def _judge(self, alert: Alert, condition: Condition, one: ExperimentFacts, now: float) -> bool:
        at = (alert.key, one.id)
        name = fired_name(alert, one.id)
        if name in self._known:
            self._running.pop(at, None)
            return False
        why = meets(condition, one, now)
        if condition.kind == "stalled" and why is None and one.status is Status.RUNNING:
            self._running[at] = last_progress(one, condition.metric) + condition.seconds
        else:
            self._running.pop(at, None)
        if why is None:
            return False
        self._known.add(name)
        found = fire(self._backend, alert, one, why, now)
        if found is None:
            return False
        if found.to:
            self._open[name] = found
        return True

    def _that_fit(
        self, alert: Alert, condition: Condition, ids: Sequence[str] | None
    ) -> Iterable[Sequence[str]]:
        given: list[Expression] = []
        if condition.kind == "value":
            given.append(parse(condition.expression))
        elif condition.kind == "stalled":
            given.append(parse("status == 'running'"))
        if ids is None and condition.kind != "stalled":  # what writes nothing is what is looked for
            given.append(since("updated_at", alert.time))
        if alert.project is not None:
            given.append(parse(f"prefix =~ {_quoted('^' + re.escape(alert.project) + '/')}"))
        question = ask(alert.filter or None, given=given, now=self._clock())
        try:
            if ids is None:
                every = self._backend.select(question).ids
                yield from (every[i : i + _AT_ONCE] for i in range(0, len(every), _AT_ONCE))
                return
            for i in range(0, len(ids), _AT_ONCE):
                some = tuple(ids[i : i + _AT_ONCE])
                yield self._backend.select(msgspec.structs.replace(question, ids=some)).ids
        except QueryError as error:  # names what nobody has logged yet
            self._once(f"The alert {alert.name} cannot be evaluated yet: {error}")

    def _read_comments(self, now: float) -> int:
        """Find the comments that name a destination."""
        self._read = now
        names = fire_mentions(self._backend, self._sender.places, self._known, now)
        self._known.update(names)
        if names:
            self._open |= {
                one.name: one for one in waiting(all_fired(self._backend, MENTIONED, names))
            }
        return len(names)

    # -- telling ----------------------------------------------------------------------------------

    def _look_for_open(self, now: float) -> None:
        every = [one for kind in (FIRED, MENTIONED) for one in all_fired(self._backend, kind)]
        self._known.update(one.name for one in every)
        self._open = {one.name: one for one in waiting(every)}
        self._looked = now

    def _send(self) -> tuple[int, int]:
        sent = failed = 0
        for fired in list(self._open.values()):
            for to, delivery in fired.to.items():
                if delivery.state in ("pending", "sending") and delivery.next <= self._clock():
                    state = self._tell(fired, to)
                    sent += state == "sent"
                    failed += state == "failed"
        return sent, failed

    def _tell(self, fired: Fired, to: str) -> str:
        """Claim one delivery, try it and write down how it went; its state, "" if somebody else has it."""
        now = self._clock()
        fresh = self._now(fired)
        if fresh is None:
            self._open.pop(fired.name, None)
            return ""
        before = fresh.to.get(to, Delivery(state="sent"))
        if before.state not in ("pending", "sending") or before.next > now:
            self._keep(fresh)
            return ""
        tried = before.tried + 1
        if not self._write(fresh, to, Delivery(state="sending", tried=tried, next=now + _CLAIMED)):
            return ""
        try:
            self._sender.send(to, message_of(fresh))
            after = Delivery(state="sent", tried=tried)
        except (AnewError, ValueError) as error:  # trying again would not help
            after = Delivery(state="failed", tried=tried, error=str(error))
        except OSError as error:
            after = self._failed(fresh, tried, str(error))
        if after.state == "failed":
            self._say(
                f"{fresh.alert}: a destination could not be told of {fresh.prefix}: {after.error}"
            )
        claimed = self._now(fired)
        if claimed is not None:
            self._write(claimed, to, after)
        return after.state

    def _failed(self, fired: Fired, tried: int, error: str) -> Delivery:
        if tried > len(PAUSES):
            return Delivery(state="failed", tried=tried, error=error)
        return Delivery(
            state="pending", tried=tried, next=self._clock() + PAUSES[tried - 1], error=error
        )

    def _write(self, fired: Fired, to: str, delivery: Delivery) -> bool:
        changed = msgspec.structs.replace(fired, to={**fired.to, to: delivery})
        done = replace(self._backend, changed)
        now = self._now(fired)
        if now is not None:
            self._keep(now)
        return done

    def _now(self, fired: Fired) -> Fired | None:
        """What the document says now."""
        return one_fired(self._backend, fired.name, fired.scope, fired.kind)

    def _keep(self, fired: Fired) -> None:
        if waiting([fired]):
            self._open[fired.name] = fired
        else:
            self._open.pop(fired.name, None)

    def _once(self, text: str) -> None:
        if text not in self._said:
            self._said.add(text)
            self._say(text)


def meets(condition: Condition, one: ExperimentFacts, now: float) -> str | None:
    """Why an experiment that fits the filter meets a condition, in words; None if it does not."""
    match condition.kind:
        case "value":
            return condition.expression
        case "ended":
            words = condition.words
            if one.ended_at is None or (words and str(one.status) not in words):
                return None
            return f"{one.status}: {one.reason}" if one.reason else str(one.status)
        case "nan":
            for name, metric in _meant(one, condition.metric):
                if metric.nonfinite:
                    count = metric.nonfinite
                    return f"{name} has {count} value{'s that are' if count > 1 else ' that is'} NaN or infinite"
        case "verdict":
            found = one.state.captured.get("reproduction") if one.state is not None else None
            verdict = str(found.get("verdict", "")) if isinstance(found, dict) else ""
            if verdict and (
                not condition.words
                or " ".join(condition.words) == verdict
                or verdict in condition.words
            ):
                return f"run again: {verdict}"
        case "stalled":
            silent = now - last_progress(one, condition.metric)
            if one.status is Status.RUNNING and silent >= condition.seconds:
                return f"running, but {condition.metric or 'no metric'} has {'not ' if condition.metric else ''}had a point for {silent / 60:.0f} minutes"
    return None


def last_progress(one: ExperimentFacts, metric: str) -> float:
    """When a running experiment last logged a point of a metric (of any but the system's if empty); its start if it never did."""
    times = [found.last_time for _, found in _meant(one, metric)]
    return max([one.started_at or one.created_at, *times])


def _meant(one: ExperimentFacts, metric: str) -> list[tuple[str, MetricSummary]]:
    return [
        (name, found)
        for name, found in (one.metrics or {}).items()
        if (name == metric if metric else not name.startswith("system/"))
    ]


def _quoted(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"
