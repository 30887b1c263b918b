"""The cause of a difference, by swapping what differs and running again.

The re-run is run once more with things as they were in the original: all that can be swapped at first, then ever smaller
parts, until the smallest is found with which the original's result comes back. It is named if the result also stays away
where everything but that part is as it was. So what is named was swapped alone, and swapped back.
"""

from __future__ import annotations

import contextlib
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from .code import checkout
from .differences import InputDifference, Side
from .factors import Factor, Swaps, swaps
from .judgement import Explanation, Judgement
from .plan import Plan
from .recipe import Recipe
from .running import Ended
from .search import Answer, Outcome, OutOfBudget, search
from .verdict import Verdict

__all__ = ["Budget", "Probe", "find_cause", "outcome_of", "search_cause"]

_SHOWN = 3


@dataclass(frozen=True)
class Budget:
    """How much a search for the cause may take: re-runs, and seconds after which none is begun."""

    runs: int = 12
    seconds: float = 300.0


Probe = Callable[[Plan, Sequence[str]], Outcome]
"""Runs a plan in a place of its own, given what it has as it was; tells whether the original's result came back."""


def find_cause(
    known: Explanation,
    found: Swaps,
    plan: Plan,
    probe: Probe,
    budget: Budget,
    say: Callable[[str], object] = lambda text: None,
) -> Explanation:
    """What brings the difference, added to what is known of it.

    Args:
        known: What the re-runs have shown so far: that the program gives the same twice.
        found: What can be swapped.
        plan: How the re-run was run.
    """
    factors = found.factors
    if not factors or not budget.runs:
        return replace(known, suspects=[*_named(factors), *found.fixed])
    begun, runs = time.monotonic(), 0

    def test(part: Sequence[int]) -> Outcome:
        nonlocal runs
        if runs >= budget.runs or time.monotonic() - begun > budget.seconds:
            raise OutOfBudget
        runs += 1
        changed = plan
        for place in part:
            changed = factors[place].restored(changed)
        texts = [factors[place].text for place in part]
        say(f"looking for the cause, re-run {runs}: as it was: {_few(texts)}")
        return probe(changed, texts)

    answer = search(len(factors), test)
    return _explained(known, found, answer, runs, budget)


def _explained(
    known: Explanation, found: Swaps, answer: Answer, runs: int, budget: Budget
) -> Explanation:
    part = [found.factors[place] for place in answer.part]
    others = [one for place, one in enumerate(found.factors) if place not in answer.part]
    total = known.runs + runs
    texts = _few([one.text for one in part])
    match answer.state:
        case "proven":
            what = texts if len(part) == 1 else f"together, and only together: {texts}"
            text = (
                f"the cause is {what}. With {'this' if len(part) == 1 else 'these'} as before, the result is the "
                f"original's; with everything else as before, it is not ({total} re-runs)"
            )
            return replace(
                known, cause="proven", runs=total, text=text, causes=_named(part), cleared=_named(others)
            )  # fmt: skip
        case "not among":
            text = (
                f"{known.text.partition(';')[0]}; the cause is none of the {len(found.factors)} things that were swapped "
                f"({_few([one.text for one in found.factors])}): " + (
                    f"it is among {len(found.fixed)} that differ and could not be swapped, or was not captured"
                    if found.fixed
                    else "it was not captured"
                )
            )  # fmt: skip
            return replace(
                known, cause="inputs" if found.fixed else "not captured", runs=total, text=text,
                cleared=_named(others), suspects=found.fixed,
            )  # fmt: skip
        case "unconfirmed":
            text = (
                f"no cause is named: the original's result comes back with {texts} as before, and without it as well "
                f"({total} re-runs)"
            )
        case "unfinished":
            where = f"the cause is among: {texts}" if part else "nothing is known of the cause"
            text = (
                f"the search for the cause ended after {total} re-runs, at the limit of {budget.runs} or of "
                f"{budget.seconds:g} s; {where}"
            )
    suspects = _named(part) if part else _named(found.factors)
    return replace(known, runs=total, text=text, suspects=[*suspects, *found.fixed])


def _named(factors: Sequence[Factor]) -> list[InputDifference]:
    return [one for factor in factors for one in factor.differences]


def _few(texts: Sequence[str]) -> str:
    return "; ".join(texts[:_SHOWN]) + (" …" if len(texts) > _SHOWN else "")


def search_cause(
    known: Explanation,
    judgement: Judgement,
    recipe: Recipe,
    side: Side,
    plan: Plan,
    probe: Probe,
    budget: Budget,
    *,
    installs: bool = False,
    say: Callable[[str], object] = lambda text: None,
) -> Explanation:
    """Find out what can be swapped between an original and a re-run, and search it for the cause.

    Args:
        judgement: On the two.
        recipe: How the original was run; `side` is what was captured of it.
        plan: How the re-run was run.
        installs: Whether packages may be installed.
    """
    with contextlib.ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="anew-contents-"))
        code = None
        if (recipe.commit, recipe.patch) != (plan.recipe.commit, plan.recipe.patch):
            places = [
                stack.enter_context(checkout(one, plan.clone)) for one in (recipe, plan.recipe)
            ]
            code = places[0].work, places[1].work
        found = swaps(
            recipe, side, plan, judgement.differences, folder=folder, code=code, installs=installs
        )  # fmt: skip
        return find_cause(known, found, plan, probe, budget, say)


def outcome_of(judgement: Judgement, ended: Ended, failed: bool) -> Outcome:
    """What a re-run with things as they were has shown.

    Args:
        failed: Whether the re-run without them failed: then another failure is the same, and otherwise it says nothing.
    """
    if judgement.verdict in (Verdict.IDENTICAL, Verdict.WITHIN_TOLERANCE):
        return Outcome.ENOUGH
    if judgement.verdict is Verdict.NOT_COMPARABLE or (ended.code != 0) != failed:
        return Outcome.UNKNOWN
    return Outcome.NOT_ENOUGH
