"""Running an experiment again in a clean checkout, as its child, and judging what comes out."""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from ..errors import ReproduceError
from ..provenance.variables import PLACE, chosen_variables
from ..store import Store
from ..tracking.experiment import Experiment
from .code import checkout, sweep
from .comparison import compare
from .data import Checkout, InputState, check_inputs, link_into, place_inputs
from .explanation import explain
from .figure import draw
from .judgement import Judgement
from .live import Live
from .packages import Python, make_environment
from .plan import OF_THIS_MACHINE, Plan, free_prefix
from .running import (
    Ended,
    end,
    find_program,
    forwarded,
    inner_environment,
    outside,
    run_program,
)
from .series import curves_of_recipe
from .verdict import Curve, Tolerance, Verdict

if TYPE_CHECKING:
    from ..reading.views import ExperimentView

__all__ = ["Interrupted", "NotConfirmed", "Replayed", "keep_verdict", "replay"]

_LONGEST = 2000


class NotConfirmed(ReproduceError):
    """Another user or machine recorded it, and nobody has confirmed that it may run here."""


class Interrupted(ReproduceError):
    """The re-run was interrupted; the child experiment is CANCELLED and the checkout is gone."""


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
        say: Told what is being done, and what differs.
        progress: Called now and then with the state of the running curve.
        confirmed: Somebody has seen the plan and wants it run, although another user or machine recorded it.

    Raises:
        NotConfirmed: Another user or machine recorded it, and nobody has confirmed that it may run here.
        ReproduceError: It cannot be run again; nothing was changed.
        Interrupted: It was interrupted.
    """
    if not (confirmed or plan.recipe.is_own):
        raise NotConfirmed(
            f"{plan.recipe.prefix} was recorded by {plan.recipe.recorded_by}, and nothing shows that this was you on this machine: "
            "running it again runs their code and command here. Look at the plan first (`anew reproduce "
            f"{plan.recipe.experiment_id[:6]} --dry-run`), then confirm with --yes, or name whom you trust in the "
            "setting ANEW_TRUST."
        )
    tolerance = tolerance or Tolerance()
    if plan.clone:
        for folder in sweep(plan.clone):
            say(f"removed {folder}, left over from an aborted attempt")
    original = store.get(plan.recipe.experiment_id)
    curves, _ = curves_of_recipe(store, original)
    with contextlib.ExitStack() as stack:
        kept_in = _kept_in(store, plan, stack)
        made = _Made(plan, stack, strict=strict, say=say)

        def judged(
            a: ExperimentView, b: ExperimentView, of: Store, *, reproduced: bool
        ) -> Judgement:
            return compare(
                of, a, b, other=kept_in, tolerance=tolerance, only=only, ignore=ignore, reproduced=reproduced,
                sides=("the original", "the re-run") if reproduced else ("one re-run", "the other"),
            )  # fmt: skip

        def run_one() -> tuple[Experiment, Ended, Judgement]:
            with checkout(plan.recipe, plan.clone) as place:
                run = _prepare(made, place)
                child, ended = _run_once(
                    kept_in, run, curves, tolerance, show=show, timeout=timeout, progress=progress
                )
            kept_in.refresh()
            return child, ended, judged(
                store.get(plan.recipe.experiment_id), kept_in.get(child.id), store, reproduced=True
            )  # fmt: skip

        first: str | None = None
        among: list[Judgement] = []
        for number in range(times):
            child, ended, judgement = run_one()
            if explained and times == 1 and judgement.verdict is Verdict.DIVERGED:
                say("running it once more, to tell whether the program gives the same twice")
                again, _, _ = run_one()
                among = [
                    judged(kept_in.get(child.id), kept_in.get(again.id), kept_in, reproduced=False)
                ]
            elif number and first is not None:
                among.append(
                    judged(kept_in.get(first), kept_in.get(child.id), kept_in, reproduced=False)
                )
            first = first or child.id
            if among and judgement.verdict is Verdict.DIVERGED:
                judgement = replace(judgement, explanation=explain(judgement, among))
            view, again_view = store.get(plan.recipe.experiment_id), kept_in.get(child.id)
            path = os.path.join(child.folder, "outputs", "reproduction.png") if figure else None
            drawn = draw(store, view, again_view, judgement, path, other=kept_in) if path else None
            keep_verdict(kept_in, judgement)
            yield Replayed(child.id, child.prefix, ended, judgement, drawn)


def _kept_in(store: Store, plan: Plan, stack: contextlib.ExitStack) -> Store:
    """The store that the re-runs are recorded in; the original's if that is the one."""
    if store.backend.about().root == plan.root:
        return store
    os.makedirs(plan.root, exist_ok=True)
    return stack.enter_context(Store(plan.root))


class _Made:
    """What the re-runs of one plan share: the environment, made at first use, and what is said once.

    Args:
        stack: Removes the environment in the end.
    """

    def __init__(
        self,
        plan: Plan,
        stack: contextlib.ExitStack,
        *,
        strict: bool,
        say: Callable[[str], object],
    ) -> None:
        self.plan = plan
        self.strict = strict
        self._stack = stack
        self._say = say
        self._said: set[str] = set()
        self._python: Python | None = None

    def say(self, text: str) -> None:
        """Say something, unless it was said already."""
        if text not in self._said:
            self._said.add(text)
            self._say(text)

    def python(self, work: str) -> Python:
        """The interpreter, in a new environment if the plan wants one."""
        plan = self.plan
        if self._python is None:
            self._python = plan.python
            if plan.kind != "current":
                folder = self._stack.enter_context(
                    tempfile.TemporaryDirectory(prefix="anew-environment-")
                )
                self.say(f"making an environment with {plan.kind}")
                self._python = make_environment(plan.recipe, plan.kind, plan.python, folder, work)
        return self._python


@dataclass(frozen=True)
class _Prepared:
    """One re-run, ready to begin."""

    plan: Plan
    python: Python
    command: list[str]
    cwd: str
    environ: dict[str, str]
    inputs: list[InputState]


def _prepare(made: _Made, place: Checkout) -> _Prepared:
    """Data, environment and command in place; nothing has run yet."""
    plan, recipe = made.plan, made.plan.recipe
    work = place.work
    for name in place_inputs(recipe, plan.clone, place, plan.given):
        made.say(
            f"warning: the input {name} is too large to copy and is linked: what the re-run writes to it changes it"
        )
    link_into(recipe, plan.clone, work, plan.links)
    inputs = check_inputs(recipe, plan.root, place=place, given=plan.given)
    changed = [s.name for s in inputs if s.state == "changed"]
    missing = [s.name for s in inputs if s.state == "missing"]
    if missing:
        raise ReproduceError(f"Data that {recipe.prefix} read is missing: {', '.join(missing)}.")
    for name in changed:
        made.say(f"warning: the input {name} has changed since the original run")
    for difference in plan.differences:
        made.say(f"differs: {difference.text}")
    if made.strict and (changed or plan.differences):
        raise ReproduceError(
            f"{recipe.prefix} was not run again because of --strict: {len(changed)} inputs and "
            f"{len(plan.differences)} things in the environment have changed."
        )
    python = made.python(work)
    environ = _environment(plan, work, python)
    command = recipe.command_in(work, python.program)
    cwd = recipe.cwd_in(work, place.outside)
    if not os.path.isdir(cwd):
        raise ReproduceError(
            f"{recipe.prefix} ran in {recipe.cwd}, which its commit does not have, and no input brings it."
        )
    command[0] = find_program(command, cwd, environ)
    return _Prepared(plan, python, command, cwd, environ, inputs)


def _environment(plan: Plan, work: str, python: Python) -> dict[str, str]:
    """The variables of the re-run: those there are, with the recorded ones in place of ours where they matter."""
    recipe = plan.recipe
    environ = {k: v for k, v in os.environ.items() if not k.startswith("ANEW_")}
    for name in chosen_variables(environ):
        if not PLACE.match(name) and not OF_THIS_MACHINE.match(name):
            environ.pop(name, None)
    environ |= plan.variables
    # An editable install of the project would import from the original folder, not from the checkout.
    inside = [os.path.normpath(p) for p in recipe.import_paths]
    paths = [os.path.normpath(os.path.join(work, p)) for p in inside if _stays_inside(p)]
    paths += [
        recipe.placed(p, work, "") for p in environ.get("PYTHONPATH", "").split(os.pathsep) if p
    ]
    if paths:
        environ["PYTHONPATH"] = os.pathsep.join(dict.fromkeys(paths))
    if plan.kind != "current":
        environ["VIRTUAL_ENV"] = python.facts["prefix"]
    bin_folder = os.path.dirname(python.program)
    environ["PATH"] = os.pathsep.join([bin_folder, environ.get("PATH", os.defpath)])
    return environ


def _stays_inside(path: str) -> bool:
    return not os.path.isabs(path) and path.split(os.sep)[0] != ".."


def _run_once(
    store: Store,
    run: _Prepared,
    curves: dict[str, Curve],
    tolerance: Tolerance,
    *,
    show: bool,
    timeout: float | None,
    progress: Callable[[Live], object],
) -> tuple[Experiment, Ended]:
    recipe = run.plan.recipe
    prefix = free_prefix(store, recipe.prefix)
    child = Experiment(
        prefix=prefix, root=store.root, parent=recipe.experiment_id, relation="reproduces", quiet=True, console="off",
        system_metrics=0, mode="on", strict=False, resume="never",
    )  # fmt: skip
    child.life.settings.join, child.life.settings.capture = "", "on"
    facts: dict[str, Any] = {"reproduces": recipe.experiment_id}
    if recipe.opened_as is not None:
        facts |= {"opened_as": recipe.opened_as, "nth": recipe.nth, "repeat": recipe.repeat}
    child.life.outside = outside(
        recipe.command, recipe.cwd, run.environ, run.python, code=(dict(recipe.git), recipe.patch), facts=facts
    )  # fmt: skip
    child.run.start()
    try:
        recording = child.life.recording
        assert recording is not None
        recording.capturer.work()
        _capture_inputs(child, run)
        join: dict[str, Any] = {
            "root": store.root,
            "prefix": prefix,
            "again": child.id,
            "forwarded": forwarded(child),
        }
        if recipe.opened_as is not None:
            join |= {"as": recipe.opened_as, "nth": recipe.nth, "repeat": recipe.repeat}
            join |= {"worker": True} if recipe.is_worker else {}
        live = Live(child.folder, curves, tolerance)

        def meanwhile() -> None:
            live.look()
            progress(live)

        ended = run_program(
            child, run.command, cwd=run.cwd, environ=inner_environment(run.environ, json.dumps(join)), show=show,
            own_session=True, meanwhile=meanwhile, timeout=timeout,
        )  # fmt: skip
        meanwhile()
        recording.capturer.settle()
    except BaseException:
        child.run.cancel("the re-run was interrupted")
        raise
    end(child, ended)
    if ended.interrupted:
        raise Interrupted(
            f"The re-run {prefix} was interrupted; it is recorded as cancelled, and its checkout "
            "was removed."
        )
    return child, ended


def _capture_inputs(child: Experiment, run: _Prepared) -> None:
    if run.inputs:
        recorded = run.plan.recipe.inputs
        child.capture(
            "inputs",
            {s.name: {**recorded[s.name], "path": s.path, "sha256": s.found} for s in run.inputs},
        )


def keep_verdict(store: Store, judgement: Judgement) -> None:
    """Write a judgement into the records of both experiments: `verdict` in the one that was held against the other,
    `reproduction` (the newest) in that other, if it is in the same store."""
    document = judgement.to_dict()
    for difference in document["differences"]:
        for side in ("a", "b"):
            text = difference[side]
            if isinstance(text, str) and len(text) > _LONGEST:
                difference[side] = text[:_LONGEST] + " …"
    plain = _finite(document)
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
