"""Why two experiments came out differently, by running the second again with more and more of the first."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from ..errors import ReproduceError
from .cause import Budget, outcome_of, search_cause
from .comparison import compare, side_of
from .explanation import explain
from .judgement import Explanation, Judgement
from .live import Live
from .plan import Plan
from .recipe import read_recipe
from .reruns import Interrupted, Measure, Reruns
from .search import Outcome
from .verdict import Verdict

if TYPE_CHECKING:
    from ..reading.views import ExperimentView
    from ..store import Store

__all__ = ["explain_between"]

_SAME = (Verdict.IDENTICAL, Verdict.WITHIN_TOLERANCE)


def explain_between(
    store: Store,
    a: ExperimentView,
    plan: Plan,
    judgement: Judgement,
    measure: Measure,
    *,
    budget: Budget,
    installs: bool = False,
    timeout: float | None = None,
    say: Callable[[str], object] = lambda text: None,
    progress: Callable[[Live], object] = lambda live: None,
) -> Explanation:
    """What brings the difference between two experiments.

    The second is run again as it was, which must give its own result. Then it is run with parts of the first, until
    the smallest part is found that gives the first one's result.

    Args:
        plan: How the second is run again.
        judgement: On the two.
        measure: How results are held against each other.
        budget: How much the search may take.
        installs: Whether packages may be installed.

    Raises:
        ReproduceError: One of them cannot be run again.
        Interrupted: It was interrupted.
    """
    recipe = read_recipe(a)
    with contextlib.ExitStack() as stack:
        reruns = Reruns(
            store, plan, stack, measure, strict=False, show=False, timeout=timeout, say=say, progress=progress
        )  # fmt: skip
        say("running the second again, to see whether it gives the same twice")
        child, ended = reruns.run()
        reruns.kept_in.capture(child.id, "probe", {"as_before": []})
        own = reruns.judge(child)
        if own.verdict not in _SAME:
            again, _ = reruns.run()
            reruns.kept_in.capture(again.id, "probe", {"as_before": []})
            known = explain(own, [reruns.judge_among(child.id, again.id)])
            text = f"the second does not come back when it is run again ({own.verdict}: {own.reason}); {known.text}"
            return Explanation(known.cause, known.runs, text, known.metric, known.step)

        def probe(changed: Plan, restored: Sequence[str]) -> Outcome:
            try:
                child, ended_so = reruns.run(changed)
            except Interrupted:
                raise
            except ReproduceError as error:
                say(str(error))
                return Outcome.UNKNOWN
            reruns.kept_in.capture(child.id, "probe", {"as_before": list(restored)})
            found = compare(
                store, a, reruns.kept_in.get(child.id), other=reruns.kept_in, tolerance=measure.tolerance,
                only=measure.only, ignore=measure.ignore, reproduced=True,
            )  # fmt: skip
            return outcome_of(found, ended_so, ended.code != 0)

        known = Explanation("inputs", 1, "the second comes back when it is run again")
        return search_cause(
            known, judgement, recipe, side_of(a), plan, probe, budget, installs=installs, say=say
        )  # fmt: skip
