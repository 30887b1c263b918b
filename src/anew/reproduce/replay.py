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
from .cause import Budget, outcome_of, search_cause
from .changes import install, with_packages
from .code import checkout, sweep
from .comparison import compare, side_of
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
from .search import Outcome
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
        made = _Made(stack, strict=strict, say=say)

        def judged(
            a: ExperimentView, b: ExperimentView, of: Store, *, reproduced: bool
        ) -> Judgement:
            return compare(
                of, a, b, other=kept_in, tolerance=tolerance, only=only, ignore=ignore, reproduced=reproduced,
                sides=("the original", "the re-run") if reproduced else ("one re-run", "the other"),
            )  # fmt: skip

        def run_one(
            this: Plan = plan, restored: Sequence[str] | None = None
        ) -> tuple[Experiment, Ended, Judgement]:
            with checkout(this.recipe, this.clone) as place:
                run = _prepare(made, this, place)
                child, ended = _run_once(
                    kept_in, run, curves, tolerance, show=show, timeout=timeout, progress=progress
                )
            if restored is not None:
                kept_in.capture(child.id, "probe", {"as_before": list(restored)})
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
                explanation = explain(judgement, among)
                if explained and explanation.cause in ("inputs", "not captured"):
                    failed = ended.code != 0

                    def probe(
                        this: Plan, restored: Sequence[str], failed: bool = failed
                    ) -> Outcome:
                        try:
                            _, ended, found = run_one(this, restored)
                        except Interrupted:
                            raise
                        except ReproduceError as error:
                            say(str(error))
                            return Outcome.UNKNOWN
                        return outcome_of(found, ended, failed)

                    explanation = search_cause(
                        explanation, judgement, plan.recipe, side_of(original), plan, probe, budget or Budget(),
                        installs=installs, say=say,
                    )  # fmt: skip
                judgement = replace(judgement, explanation=explanation)
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
        stack: contextlib.ExitStack,
        *,
        strict: bool,
        say: Callable[[str], object],
    ) -> None:
        self.strict = strict
        self._stack = stack
        self._say = say
        self._said: set[str] = set()
        self._pythons: dict[tuple[str, str], Python] = {}
        self._folders: dict[tuple[str, str, str], str] = {}

    def say(self, text: str) -> None:
        """Say something, unless it was said already."""
        if text not in self._said:
            self._said.add(text)
            self._say(text)

    def python(self, plan: Plan, work: str) -> Python:
        """The interpreter of a plan, in a new environment if it wants one."""
        key = plan.kind, plan.python.program
        if plan.kind == "current":
            return plan.python
        if key not in self._pythons:
            folder = self._folder("anew-environment-")
            self.say(f"making an environment with {plan.kind}")
            self._pythons[key] = make_environment(plan.recipe, plan.kind, plan.python, folder, work)
        return self._pythons[key]

    def packages(self, plan: Plan, python: Python) -> list[str]:
        """The folders of the packages that a plan has in place of those of its environment."""
        found = []
        for package in plan.changes.packages:
            key = python.program, package.name, package.version
            if key not in self._folders:
                self._folders[key] = install(package, python, self._folder("anew-package-"))
            found.append(self._folders[key])
        return found

    def _folder(self, prefix: str) -> str:
        return self._stack.enter_context(tempfile.TemporaryDirectory(prefix=prefix))


@dataclass(frozen=True)
class _Prepared:
    """One re-run, ready to begin."""

    plan: Plan
    python: Python
    command: list[str]
    cwd: str
    environ: dict[str, str]
    inputs: list[InputState]


def _prepare(made: _Made, plan: Plan, place: Checkout) -> _Prepared:
    """Data, environment and command in place; nothing has run yet."""
    recipe = plan.recipe
    work = place.work
    for name in place_inputs(recipe, plan.clone, place, plan.given):
        made.say(
            f"warning: the input {name} is too large to copy and is linked: what the re-run writes to it changes it"
        )
    link_into(recipe, plan.clone, work, plan.links)
    plan.changes.place(place)
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
    python = made.python(plan, work)
    folders = made.packages(plan, python)
    python = with_packages(python, folders)
    environ = _environment(plan, work, python)
    if folders:
        environ["PYTHONPATH"] = os.pathsep.join([*folders, environ.get("PYTHONPATH", "")]).rstrip(os.pathsep)  # fmt: skip
    environ = plan.changes.applied_to(environ)
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

        with run.plan.changes.on_cores():
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
