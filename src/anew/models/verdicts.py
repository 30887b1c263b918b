"""Whether an experiment's results came back when it was run again, as its re-runs have it on record: what a promotion can demand."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from ..errors import InvalidValue, NotVerified
from ..query.question import FactsQuestion, ask
from ..reading.backend import Backend
from ..record.facts import ExperimentFacts
from ..record.models import Evidence
from ..record.plain import from_plain
from ..record.status import Status

__all__ = ["Requirement", "parse_requirement", "verified"]

_SAME = "IDENTICAL"
_CLOSE = "WITHIN TOLERANCE"
_NUMBER = re.compile(r"\d+(\.\d*)?([eE][+-]?\d+)?|\.\d+([eE][+-]?\d+)?")


class Requirement(msgspec.Struct, frozen=True, kw_only=True):
    """The verdict that is asked for.

    Attributes:
        text: As it was written.
        rtol, atol: How far apart curves may be; None for every tolerance that a re-run was held against.
    """

    text: str
    identical: bool
    rtol: float | None = None
    atol: float | None = None

    def command(self, experiment_id: str) -> str:
        """The command whose verdict may meet it."""
        given = [
            f"--{name} {value:g}"
            for name, value in (("rtol", self.rtol), ("atol", self.atol))
            if value
        ]
        return " ".join(["anew reproduce", experiment_id[:8], *given])


def parse_requirement(text: str) -> Requirement:
    """What `identical`, `within`, `within:RTOL` or `within:rtol=…,atol=…` asks for.

    Raises:
        InvalidValue: It says something else.
    """
    kind, _, rest = text.strip().lower().partition(":")
    if kind == "identical" and not rest:
        return Requirement(text="identical", identical=True)
    given: dict[str, float] = {}
    if kind == "within":
        for part in filter(None, rest.split(",")):
            name, equals, number = part.rpartition("=")
            name = name.strip() if equals else "rtol"
            if (
                name not in ("rtol", "atol")
                or name in given
                or not _NUMBER.fullmatch(number.strip())
            ):
                break
            given[name] = float(number)
        else:
            whole = bool(given)
            return Requirement(
                text=text.strip().lower(),
                identical=False,
                rtol=given.get("rtol", 0.0) if whole else None,
                atol=given.get("atol", 0.0) if whole else None,
            )
    raise InvalidValue(
        f"A promotion can require 'identical', 'within' (whatever tolerance a re-run was held against), 'within:1e-3' (a relative "
        f"one) or 'within:rtol=1e-3,atol=1e-6', not {text!r}.",
        key="require",
    )


def verified(backend: Backend, experiment_id: str, required: Requirement) -> Evidence:
    """The newest re-run of an experiment whose verdict meets the requirement.

    Raises:
        NotVerified: There is none; it says what there is, and the command that may bring it.
    """
    found: list[tuple[ExperimentFacts, str, str]] = []
    for rerun, document in _verdicts(backend, experiment_id):
        verdict, lacking = _judged(document, required)
        if not lacking:
            return Evidence(required=required.text, verdict=verdict, rerun=rerun.id)
        found.append((rerun, verdict, lacking))
    command = required.command(experiment_id)
    if not found:
        raise NotVerified(
            f"The promotion requires {required.text}, and experiment {experiment_id} was never run again. Run `{command}` first.",
            experiment_id=experiment_id,
            required=required.text,
            command=command,
        )
    rerun, verdict, lacking = found[0]
    raise NotVerified(
        f"The promotion requires {required.text}, and no re-run of experiment {experiment_id} meets that: the newest, {rerun.id}, is "
        f"{verdict} ({lacking}). Run `{command}` to try again.",
        experiment_id=experiment_id,
        required=required.text,
        command=command,
        verdict=verdict,
        rerun=rerun.id,
    )


def _verdicts(
    backend: Backend, experiment_id: str
) -> Iterator[tuple[ExperimentFacts, Mapping[str, Any]]]:
    """The re-runs of an experiment that ended and were judged, the newest first, each with the verdict as it was recorded."""
    now = time.time()
    condition = f"parent == '{experiment_id}' and relation == 'reproduces'"
    ids = backend.select(ask(condition, sort="-created_at", now=now)).ids
    asked = FactsQuestion(ids=tuple(ids), parts=frozenset({"state"}), now=now)
    for one in backend.facts(asked):
        captured = one.state.captured if one.state is not None else {}
        document = from_plain(captured.get("verdict"))
        # A probe had something otherwise on purpose, to find out what brings a difference.
        if "probe" in captured or not isinstance(document, Mapping):
            continue
        if document.get("a") == experiment_id and one.status is Status.COMPLETED:
            yield one, document


def _judged(document: Mapping[str, Any], required: Requirement) -> tuple[str, str]:
    """The verdict that was recorded, and what it lacks; "" for nothing."""
    verdict = document.get("verdict")
    if not isinstance(verdict, str):
        return "unknown", "its verdict cannot be read"
    reason = document.get("reason")
    if verdict not in (_SAME, _CLOSE):
        return verdict, reason if isinstance(
            reason, str
        ) and reason else "the results did not come back"
    if verdict == _SAME:
        return verdict, ""
    if required.identical:
        return verdict, "its values are close, and not the same"
    if required.rtol is None or required.atol is None:
        return verdict, ""
    metrics = document.get("metrics")
    for name, one in metrics.items() if isinstance(metrics, Mapping) else ():
        if not isinstance(one, Mapping) or one.get("verdict") == _SAME:
            continue
        rtol, atol = one.get("rtol", 0.0), one.get("atol", 0.0)
        numbers = isinstance(rtol, (int, float)) and isinstance(atol, (int, float))
        if not numbers or rtol > required.rtol or atol > required.atol:
            return verdict, f"{name} was held against rtol={rtol} and atol={atol}"
    return verdict, ""
