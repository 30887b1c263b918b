"""The re-runs of one plan: each in a checkout of its own, session by session, recorded as a child experiment."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..errors import ReproduceError
from ..store import Store
from ..tracking.experiment import Experiment
from .carrying import Seen, written
from .code import check_out_next, checkout
from .comparison import compare
from .judgement import Judgement
from .live import Live
from .plan import Plan, free_prefix
from .preparing import Prepared, Preparing
from .running import (
    Ended,
    end,
    forwarded,
    give_up,
    inner_environment,
    outside,
    run_program,
)
from .series import curves_of_recipe
from .verdict import Tolerance

__all__ = ["WHAT_IF", "Interrupted", "Measure", "Reruns"]

WHAT_IF = "what-if"
"""How an experiment comes from its parent that had something otherwise on purpose: it is none of its reproductions."""


class Interrupted(ReproduceError):
    """The re-run was interrupted; the child experiment is CANCELLED and the checkout is gone."""


@dataclass(frozen=True)
class Measure:
    """How results are held against each other: how far apart they may be, and which metrics count."""

    tolerance: Tolerance
    only: Sequence[str] = ()
    ignore: Sequence[str] = ()


class Reruns:
    """Runs a plan, as often as it is asked to, and judges what comes out.

    The re-runs are recorded in the folder that the plan names. If the original is in another store, such as that of a
    server, it is read from there, and nothing is written to it.

    Args:
        store: The original's.
        stack: Removes in the end what the re-runs share.
        measure: How results are held against each other.
        strict: Refuse to run when the environment or an input has changed since the original run.
        show: Print what the program prints.
        timeout: Seconds after which a re-run is ended; each session has as long.
        say: Told what is being done, and what differs.
        progress: Called now and then with the state of the running curve.
    """

    def __init__(
        self,
        store: Store,
        plan: Plan,
        stack: contextlib.ExitStack,
        measure: Measure,
        *,
        strict: bool,
        show: bool,
        timeout: float | None,
        say: Callable[[str], object],
        progress: Callable[[Live], object],
    ) -> None:
        self._store = store
        self._plan = plan
        self._measure = measure
        self._show = show
        self._timeout = timeout
        self._progress = progress
        self._preparing = Preparing(stack, strict=strict, say=say)
        self._curves, _ = curves_of_recipe(store, store.get(plan.recipe.experiment_id))
        self.kept_in = _kept_in(store, plan, stack)

    def run(self, plan: Plan | None = None) -> tuple[Experiment, Ended]:
        """Run the plan once; the experiment that the re-run is recorded as, and how its last session ended.

        Args:
            plan: Another plan for the same experiment, in place of the one that was given.

        Raises:
            ReproduceError: It cannot be run again.
            Interrupted: It was interrupted.
        """
        plan = plan or self._plan
        sessions = plan.sessions
        child: Experiment | None = None
        before: Seen = {}
        with checkout(sessions[0].recipe, sessions[0].clone) as place:
            for number, session in enumerate(sessions):
                if number:
                    check_out_next(session.recipe, session.clone, place, before)
                run = self._preparing.prepare(plan, session, place)
                before = written(place.work) if len(sessions) > 1 else {}
                child, ended = self._run_session(run, child)
                if ended.code and session.completed:
                    break  # the next would begin with what this one should have left
        assert child is not None
        self.kept_in.refresh()
        return child, ended

    def judge(self, child: Experiment) -> Judgement:
        """The judgement on the original and a re-run."""
        return self._judge(self._store, self._plan.recipe.experiment_id, child.id, reproduced=True)

    def judge_among(self, first: str, second: str) -> Judgement:
        """The judgement on two re-runs, by their ids."""
        return self._judge(self.kept_in, first, second, reproduced=False)

    def _judge(self, store: Store, a: str, b: str, *, reproduced: bool) -> Judgement:
        measure = self._measure
        return compare(
            store, store.get(a), self.kept_in.get(b), other=self.kept_in, tolerance=measure.tolerance, only=measure.only,
            ignore=measure.ignore, reproduced=reproduced,
            sides=("the original", "the re-run") if reproduced else ("one re-run", "the other"),
        )  # fmt: skip

    def _run_session(self, run: Prepared, child: Experiment | None) -> tuple[Experiment, Ended]:
        child = self._opened(run, child)
        recording = child.life.recording
        assert recording is not None
        claim = os.path.abspath(recording.root.claim(recording.opening))
        try:
            recording.capturer.work()
            _capture_inputs(child, run)
            join = json.dumps({**_join(child, self.kept_in.root, run), "claim": claim})
            live = Live(child.folder, self._curves, self._measure.tolerance)

            def meanwhile() -> None:
                live.look()
                self._progress(live)

            with run.plan.changes.on_cores():
                ended = run_program(
                    child, run.command, cwd=run.cwd, environ=inner_environment(run.environ, join), show=self._show,
                    own_session=True, meanwhile=meanwhile, timeout=self._timeout,
                )  # fmt: skip
            meanwhile()
            recording.capturer.settle()
        except BaseException:
            child.run.cancel("the re-run was interrupted")
            raise
        finally:
            give_up(claim)
        end(child, ended)
        if ended.interrupted and (ended.told or run.session.until is None):
            raise Interrupted(
                f"The re-run {child.prefix} was interrupted; it is recorded as cancelled, and its checkout "
                "was removed.",
                why="interrupted",
            )
        return child, ended

    def _opened(self, run: Prepared, child: Experiment | None) -> Experiment:
        """The experiment of a re-run, begun, or continued for a later session."""
        recipe, store = run.session.recipe, self.kept_in
        word, relation = ("with", WHAT_IF) if run.plan.intended else ("again", "reproduces")
        own: dict[str, Any] = {"resume": child.id} if child is not None else {
            "prefix": free_prefix(store, recipe.prefix, word), "parent": recipe.experiment_id, "relation": relation, "resume": "never",
        }  # fmt: skip
        opened = Experiment(
            root=store.root,
            quiet=True,
            console="off",
            system_metrics=0,
            mode="on",
            strict=False,
            **own,
        )
        opened.life.settings.join, opened.life.settings.capture = "", "on"
        facts: dict[str, Any] = {"reproduces": recipe.experiment_id}
        if recipe.opened_as is not None:
            facts |= {"opened_as": recipe.opened_as, "nth": recipe.nth, "repeat": recipe.repeat}
        opened.life.outside = outside(
            recipe.command, recipe.cwd, run.environ, run.python, code=(dict(recipe.git), dict(recipe.patches)), facts=facts
        )  # fmt: skip
        opened.run.start()
        return opened


def _kept_in(store: Store, plan: Plan, stack: contextlib.ExitStack) -> Store:
    """The store that the re-runs are recorded in; the original's if that is the one."""
    if store.backend.about().root == plan.root:
        return store
    os.makedirs(plan.root, exist_ok=True)
    return stack.enter_context(Store(plan.root))


def _join(child: Experiment, root: str | None, run: Prepared) -> Mapping[str, Any]:
    """What the program is told: which of the experiments that it opens is the one that is run again."""
    session = run.session
    recipe = session.recipe
    join: dict[str, Any] = {
        "root": root,
        "prefix": child.prefix,
        "again": child.id,
        "forwarded": forwarded(child),
    }
    if recipe.opened_as is not None:
        join |= {"as": recipe.opened_as, "nth": recipe.nth, "repeat": recipe.repeat}
        join |= {"worker": True} if recipe.is_worker else {}
    if session.until is not None:
        join |= {"until": dict(session.until.calls), "signal": session.until.signal}
    return join


def _capture_inputs(child: Experiment, run: Prepared) -> None:
    if run.inputs:
        recorded = run.session.recipe.inputs
        child.capture(
            "inputs",
            {s.name: {**recorded[s.name], "path": s.path, "sha256": s.found} for s in run.inputs},
        )
