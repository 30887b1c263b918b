"""Running an experiment again in a clean checkout, as its child, and judging what comes out."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ..errors import ReproduceError
from ..store import Store
from .cause import Budget, Probe, outcome_of, search_cause
from .code import sweep
from .comparison import side_of
from .explanation import explain
from .figure import draw
from .judgement import Judgement
from .live import Live
from .plan import Plan
from .reruns import Interrupted, Measure, Reruns
from .running import Ended
from .search import Outcome
from .verdict import Tolerance, Verdict
from .whatif import what_if

__all__ = ["Interrupted", "NotConfirmed", "Replayed", "keep_verdict", "replay"]

_LONGEST = 2000


class NotConfirmed(ReproduceError):
    """Another user or machine recorded it, and nobody has confirmed that it may run here."""


@dataclass(frozen=True)
class Replayed:
    """One re-run: the child's id and prefix, how the program ended, the judgement, and the figure's path."""

    experiment_id: str
    prefix: str
    ended: Ended
    judgement: Judgement
    figure: str | None

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        return {
            **self.judgement.to_dict(),
            "child": self.experiment_id,
            "child_prefix": self.prefix,
            "exit_code": self.ended.code,
            "figure": self.figure,
        }


def replay(
    store: Store,
    plan: Plan,
    *,
    tolerance: Tolerance | None = None,
    only: Sequence[str] = (),
    ignore: Sequence[str] = (),
    times: int = 1,
    strict: bool = False,
    show: bool = False,
    figure: bool = True,
    explained: bool = False,
    timeout: float | None = None,
    budget: Budget | None = None,
    installs: bool = False,
    say: Callable[[str], object] = lambda text: None,
    progress: Callable[[Live], object] = lambda live: None,
    confirmed: bool = False,
) -> Iterator[Replayed]:
    """Run an experiment again, `times` times, yielding each result as it is there.

    Each re-run has a checkout of its own, and all share one environment; all of it is gone in the end, whatever happens.

    The re-runs are recorded in the folder that the plan names. If the original is in another store, such as that of a
    server, it is read from there, and nothing is written to it.

    Args:
        strict: Refuse to run when the environment or an input has changed since the original run.
        show: Print what the program prints.
        figure: Draw both curves into the child's folder.
        explained: Where the re-run differs, run it once more, which tells whether the program gives the same twice.
        timeout: Seconds after which a re-run is ended.
        budget: How much the search for the cause may take, where a second re-run is the same and the original differs.
        installs: Whether that search may install packages.
        say: Told what is being done, and what differs.
        progress: Called now and then with the state of the running curve.
        confirmed: Somebody has seen the plan and wants it run, although another user or machine recorded it.

    Raises:
        NotConfirmed: Another user or machine recorded it, and nobody has confirmed that it may run here.
        ReproduceError: It cannot be run again; nothing was changed.
        Interrupted: It was interrupted.
    """
    _check_confirmed(plan, confirmed)
    for clone in {session.clone for session in plan.sessions if session.clone}:
        for folder in sweep(clone):
            say(f"removed {folder}, left over from an aborted attempt")
    measure = Measure(tolerance or Tolerance(), only, ignore)
    with contextlib.ExitStack() as stack:
        original = store.get(plan.recipe.experiment_id)
        reruns = Reruns(
            store, plan, stack, measure, strict=strict, show=show, timeout=timeout, say=say, progress=progress
        )  # fmt: skip
        first = ""
        among: list[Judgement] = []
        for _ in range(times):
            child, ended = reruns.run()
            judgement = reruns.judge(child)
            if explained and times == 1 and judgement.verdict is Verdict.DIVERGED:
                say("running it once more, to tell whether the program gives the same twice")
                among = [reruns.judge_among(child.id, reruns.run()[0].id)]
            elif first:
                among.append(reruns.judge_among(first, child.id))
            first = first or child.id
            if among and judgement.verdict is Verdict.DIVERGED:
                explanation = explain(judgement, among)
                if explained and explanation.cause in ("inputs", "not captured"):
                    explanation = search_cause(
                        explanation, judgement, plan.original or plan.recipe, side_of(original), plan, _probe(reruns, ended, say),
                        budget or Budget(), installs=installs, say=say,
                    )  # fmt: skip
                judgement = replace(judgement, explanation=explanation)
            judgement = what_if(judgement, plan.intended)
            drawn = _drawn(store, plan, reruns.kept_in, judgement, child.folder) if figure else None
            keep_verdict(reruns.kept_in, judgement)
            yield Replayed(child.id, child.prefix, ended, judgement, drawn)


def _probe(reruns: Reruns, before: Ended, say: Callable[[str], object]) -> Probe:
    """Runs a plan with things as they were in the original.

    Args:
        before: How the re-run without them ended.
    """

    def probe(plan: Plan, restored: Sequence[str]) -> Outcome:
        try:
            child, ended = reruns.run(plan)
        except Interrupted:
            raise
        except ReproduceError as error:
            say(str(error))
            return Outcome.UNKNOWN
        reruns.kept_in.capture(child.id, "probe", {"as_before": list(restored)})
        return outcome_of(reruns.judge(child), ended, before.code != 0)

    return probe


def _check_confirmed(plan: Plan, confirmed: bool) -> None:
    """Refuse what another user or machine recorded, unless somebody wants it to run.

    Raises:
        NotConfirmed: Nobody has.
    """
    recipe = plan.recipe
    if confirmed or plan.is_own:
        return
    raise NotConfirmed(
        f"{recipe.prefix} was recorded by {recipe.recorded_by}, and nothing shows that this was you on this machine: "
        "running it again runs their code and command here. Look at the plan first (`anew reproduce "
        f"{recipe.experiment_id[:6]} --dry-run`), then confirm with --yes, or name whom you trust in the "
        "setting ANEW_TRUST.",
        why="not confirmed",
    )


def _drawn(
    store: Store, plan: Plan, kept_in: Store, judgement: Judgement, folder: str
) -> str | None:
    """The figure of both curves in the folder of the re-run; None where there is nothing to draw."""
    path = os.path.join(folder, "outputs", "reproduction.png")
    views = store.get(plan.recipe.experiment_id), kept_in.get(judgement.b)
    return draw(store, *views, judgement, path, other=kept_in)


def keep_verdict(store: Store, judgement: Judgement) -> None:
    """Write a judgement into the records of both experiments: `verdict` in the one that was held against the other,
    `reproduction` (the newest) in that other, if it is in the same store. One that had something otherwise on purpose has
    it as `what_if`, and the other has nothing of it."""
    document = judgement.to_dict()
    for difference in document["differences"]:
        for side in ("a", "b"):
            text = difference[side]
            if isinstance(text, str) and len(text) > _LONGEST:
                difference[side] = text[:_LONGEST] + " …"
    plain = _finite(document)
    if judgement.intended:
        store.capture(judgement.b, "what_if", plain)
        return
    store.capture(judgement.b, "verdict", plain)
    if judgement.a not in store:
        return
    short = {k: plain[k] for k in ("verdict", "reason", "b", "prefix_b")}
    short["metrics"] = {name: m["verdict"] for name, m in plain["metrics"].items()}
    store.capture(judgement.a, "reproduction", short)


def _finite(value: Any) -> Any:
    """Plain data as JSON can hold it."""
    if isinstance(value, float) and not -float("inf") < value < float("inf"):
        return str(value)
    if isinstance(value, dict):
        return {k: _finite(v) for k, v in value.items()}
    if isinstance(value, list):
        return [_finite(v) for v in value]
    return value
