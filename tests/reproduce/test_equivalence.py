"""Two one-sided tests, held against SciPy and against published power, and groups of runs that differ in their seed."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from anew import Experiment, Store
from anew.reproduce.equivalence import (
    Equivalence,
    Margin,
    judge_equivalence,
    overall_equivalence,
    power_of_tost,
    runs_needed,
    student_cdf,
    student_quantile,
)
from anew.reproduce.groups import Margins, compare_groups, siblings
from later import later
from projects import TRAIN, Project

from ..cli.conftest import call

stats = later("scipy.stats")

VALUES = st.lists(st.floats(-100, 100).map(lambda x: round(x, 3)), min_size=2, max_size=12)


@given(st.floats(-50, 50), st.floats(1, 500))
def test_students_distribution_is_scipys(t, freedom):
    assert student_cdf(t, freedom) == pytest.approx(
        stats.t.cdf(t, freedom), abs=1e-9
    )  # SciPy is off by 1e-11 near 0


@given(st.floats(0.001, 0.999), st.floats(1, 500))
@settings(max_examples=30)
def test_its_quantile_is_scipys(p, freedom):
    assert student_quantile(p, freedom) == pytest.approx(stats.t.ppf(p, freedom), rel=1e-7, abs=1e-7)  # fmt: skip


@given(VALUES, VALUES, st.floats(0.1, 50))
@settings(max_examples=25, deadline=None)
def test_both_tests_and_the_interval_are_scipys(a, b, margin):
    assume(np.std(a) > 1e-6 and np.std(b) > 1e-6)
    found = judge_equivalence("loss", a, b, Margin(margin))
    x, y = np.array(a), np.array(b)
    p = max(
        stats.ttest_ind(y + margin, x, equal_var=False, alternative="greater").pvalue,
        stats.ttest_ind(y - margin, x, equal_var=False, alternative="less").pvalue,
    )
    assert found.p == pytest.approx(p, abs=1e-9)
    interval = stats.ttest_ind(y, x, equal_var=False).confidence_interval(0.9)
    assert (found.low, found.high) == pytest.approx((interval.low, interval.high), rel=1e-6, abs=1e-9)  # fmt: skip
    assert (found.verdict is Equivalence.EQUIVALENT) == (p < 0.05)


def test_the_power_is_the_published_one():
    """`sampleN.TOST(CV=0.3)` of the R package PowerTOST: 40 subjects of a 2×2 crossover have a power of 0.815845."""
    error = math.sqrt(2 * math.log(1 + 0.3**2) / 40)
    assert power_of_tost(math.log(1.25), math.log(0.95), error, 38) == pytest.approx(0.815845, abs=1e-6)  # fmt: skip


def test_the_power_is_how_often_equal_groups_are_found_equivalent():
    random = np.random.default_rng(3)
    x, y = random.normal(size=(2, 4000, 6))
    error = np.sqrt(x.var(axis=1, ddof=1) / 6 + y.var(axis=1, ddof=1) / 6)
    half = stats.t.ppf(0.95, 10) * error
    effect = y.mean(axis=1) - x.mean(axis=1)
    found = np.mean((effect - half > -1.5) & (effect + half < 1.5))
    assert power_of_tost(1.5, 0.0, math.sqrt(2 / 6), 10) == pytest.approx(found, abs=0.03)


def test_as_many_runs_as_are_needed_have_the_power_and_one_less_has_not():
    needed = runs_needed(1.0, 1.0, 1.0)
    assert power_of_tost(1.0, 0.0, math.sqrt(2 / needed), 2 * needed - 2) >= 0.8
    fewer = needed - 1
    assert power_of_tost(1.0, 0.0, math.sqrt(2 / fewer), 2 * fewer - 2) < 0.8
    assert runs_needed(1e-6, 1.0, 1.0) is None


@pytest.mark.parametrize(
    ("a", "b", "margin", "verdict"),
    [
        ([1.0, 1.1, 0.9, 1.0], [1.05, 0.95, 1.0, 1.02], "0.5", Equivalence.EQUIVALENT),
        ([1.0, 1.1, 0.9, 1.0], [3.0, 3.1, 2.9, 3.0], "0.5", Equivalence.NOT_EQUIVALENT),
        ([1.0, 1.1, 0.9, 1.0], [1.05, 0.95, 1.0, 1.02], "0.01", Equivalence.NOT_ENOUGH_RUNS),
        ([1.0, 2.0], [1.0, 2.0], "100%", Equivalence.NOT_ENOUGH_RUNS),
        ([1.0], [1.0, 1.1, 1.2], "5", Equivalence.NOT_ENOUGH_RUNS),
        ([1.0, 1.0], [1.0, 1.0], "1sd", Equivalence.EQUIVALENT),
        ([1.0, 1.0], [2.0, 2.0], "0.5", Equivalence.NOT_EQUIVALENT),
        ([1.0, 1.1, 0.9], [1.0, math.nan, 1.1], "0.5", Equivalence.NOT_EQUIVALENT),
        ([1.0, math.inf, 0.9], [1.0, math.nan, 1.1], "0.5", Equivalence.NOT_ENOUGH_RUNS),
    ],
)
def test_verdicts(a, b, margin, verdict):
    found = judge_equivalence("loss", a, b, Margin.parse(margin))
    assert found.verdict is verdict


def test_margins_are_absolute_relative_or_in_standard_deviations():
    assert Margin.parse("0.5").of([10.0, 12.0]) == 0.5
    assert Margin.parse("10%").of([-10.0, -12.0]) == pytest.approx(1.1)
    assert Margin.parse("2sd").of([1.0, 3.0]) == pytest.approx(2 * math.sqrt(2))
    for wrong in ("0", "-1", "nan", "inf", "sd", "x%"):
        with pytest.raises(ValueError):
            Margin.parse(wrong)


def test_all_metrics_must_be_equivalent():
    near = judge_equivalence("a", [1.0, 1.1, 0.9], [1.0, 1.1, 0.9], Margin(5))
    far = judge_equivalence("b", [1.0, 1.1, 0.9], [9.0, 9.1, 8.9], Margin(5))
    few = judge_equivalence("c", [1.0], [1.0], Margin(5))
    assert overall_equivalence([near, near]) is Equivalence.EQUIVALENT
    assert overall_equivalence([near, few]) is Equivalence.NOT_ENOUGH_RUNS
    assert overall_equivalence([few, far]) is Equivalence.NOT_EQUIVALENT
    assert overall_equivalence([]) is Equivalence.NOT_ENOUGH_RUNS


# -- groups -----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """Two settings with five seeds each, a copy of one run, and one that has another configuration."""
    project = Project(tmp_path_factory.mktemp("noise") / "project")
    project.commit(train="")
    root = project.root
    random = np.random.default_rng(1)

    def one(name, seed, lr, loss):
        with Experiment(
            f"lab/noise/{name}", root=root, quiet=True, console="off", system_metrics=0, config={"seed": seed, "lr": lr},
        ) as exp:  # fmt: skip
            exp.log_metric("loss", 2.0, step=0)
            exp.log_metric("loss", loss, step=1)

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ANEW_KEEP_COMMITS", "off")
        patch.chdir(project.path)
        for seed in range(5):
            one(f"a-{seed}", seed, 0.1, 1.0 + 0.01 * random.normal())
            one(f"b-{seed}", seed, 0.2, 1.001 + 0.01 * random.normal())
        with Store(root) as store:
            same = store.get("lab/noise/a-0").metrics["loss"].last
        one("a-copy", 0, 0.1, same)
        one("other", 0, 0.9, 5.0)
    return root


def test_siblings_differ_in_their_seed_only(runs):
    with Store(runs) as store:
        found = [view.name for view in siblings(store, store.get("lab/noise/a-2"))]
    assert found == ["a-0", "a-1", "a-3", "a-4", "a-copy"]


def test_a_copy_is_no_run_of_its_own(runs):
    with Store(runs) as store:
        first = [(store, store.get(f"lab/noise/a-{n}")) for n in range(5)]
        again = [*first, (store, store.get("lab/noise/a-copy"))]
        second = [(store, store.get(f"lab/noise/b-{n}")) for n in range(5)]
        found = compare_groups(again, second, Margins(Margin(0.1)))
    assert (found.verdict, len(found.first), found.copies) == (Equivalence.EQUIVALENT, 5, 1)


def test_diff_and_check_say_it_with_exit_codes(runs):
    def ask(command, *arguments):
        done = call("--root", runs, command, *arguments, "--json")
        return done.code, done.json["verdict"]

    first, second = "lab/noise/a-0", "lab/noise/b-0"
    assert ask("diff", first, second, "--equivalent", "0.1") == (0, "EQUIVALENT")
    assert ask("check", second, "--baseline", first, "--equivalent", "loss=0.0001") == (2, "NOT ENOUGH RUNS")  # fmt: skip
    assert ask("diff", first, "lab/noise/other", "--equivalent", "2sd") == (2, "NOT ENOUGH RUNS")
    shown = call("--root", runs, "diff", first, second, "--equivalent", "0.1")
    assert shown.out.startswith("EQUIVALENT")
    assert call("--root", runs, "diff", first, second, "--equivalent", "much").code == 2


@pytest.mark.slow
def test_a_group_of_seeds_is_run_again_and_compared(project, monkeypatch):
    program = TRAIN.replace("seed_everything(7)", "import sys; seed = int(sys.argv[1]); seed_everything(seed)")  # fmt: skip
    project.commit(train=program.replace('{"lr": 0.5}', '{"lr": 0.5, "seed": seed}'))
    for seed in ("1", "2", "3"):
        project.run("train.py", seed)
    project.enter(monkeypatch)
    done = call("--root", project.root, "reproduce", "lab/toy", "--equivalent", "90%", "--json")
    assert (done.code, done.json["verdict"]) == (0, "EQUIVALENT")
    assert len(done.json["first"]) == len(done.json["second"]) == 3
    assert done.json["metrics"]["loss"]["effect"] == 0.0
    assert {one["verdict"] for one in done.json["runs"]} == {"IDENTICAL"}
