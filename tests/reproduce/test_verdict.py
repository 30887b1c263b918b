"""The verdict engine: what is identical, within tolerance, diverged, not comparable."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from anew.reproduce.names import agrees_with_clock, chosen, measure
from anew.reproduce.verdict import Curve, Tolerance, Verdict, judge, overall

NAN, INF = math.nan, math.inf


def curve(values, steps=None) -> Curve:
    steps = range(len(values)) if steps is None else steps
    return Curve(np.array(list(steps), dtype=np.int64), np.array(list(values), dtype=np.float64))


def test_the_same_points_are_identical_and_every_one_counts():
    verdict = judge("loss", curve([1.0, 0.5, 0.25]), curve([1.0, 0.5, 0.25]))
    assert verdict.verdict is Verdict.IDENTICAL
    assert (verdict.points_a, verdict.points_b, verdict.matched) == (3, 3, 3)
    assert verdict.step is None


def test_nan_equals_nan_and_each_infinity_itself():
    values = [NAN, INF, -INF, 1.0]
    assert judge("x", curve(values), curve(values)).verdict is Verdict.IDENTICAL
    other = judge("x", curve(values), curve([NAN, INF, INF, 1.0]), Tolerance(rtol=1, atol=1e300))
    assert (other.verdict, other.step) == (Verdict.DIVERGED, 2)


def test_the_last_bit_counts():
    nearly = np.nextafter(0.5, 1)
    verdict = judge("x", curve([1, 0.5]), curve([1, nearly]))
    assert verdict.verdict is Verdict.DIVERGED
    assert (verdict.step, verdict.row, verdict.a, verdict.b) == (1, 1, 0.5, nearly)
    assert verdict.difference == nearly - 0.5


def test_the_sign_of_a_zero_is_a_difference_of_no_size():
    assert judge("x", curve([0.0]), curve([-0.0])).verdict is Verdict.WITHIN_TOLERANCE


def test_tolerance_is_relative_to_the_original():
    a, b = curve([100.0, 10.0]), curve([101.0, 10.0])
    assert judge("x", a, b, Tolerance(rtol=0.01)).verdict is Verdict.WITHIN_TOLERANCE
    assert judge("x", b, a, Tolerance(rtol=0.0099)).verdict is Verdict.DIVERGED
    assert judge("x", a, b, Tolerance(atol=1)).verdict is Verdict.WITHIN_TOLERANCE
    assert judge("x", a, b, Tolerance(atol=0.99)).verdict is Verdict.DIVERGED


def test_a_pattern_has_a_tolerance_of_its_own():
    tolerance = Tolerance(rtol=0.5, patterns=[("val/*", 0.0, None), ("val/acc", None, 0.1)])
    assert tolerance.of("train/loss") == (0.5, 0.0)
    assert tolerance.of("val/loss") == (0.0, 0.0)
    assert tolerance.of("val/acc") == (0.0, 0.1)


def test_nan_on_one_side_is_beyond_every_tolerance():
    for a, b in (([1.0, NAN], [1.0, 2.0]), ([1.0, 2.0], [1.0, NAN]), ([1.0, 2.0], [1.0, INF])):
        verdict = judge("x", curve(a), curve(b), Tolerance(rtol=1e9, atol=1e300))
        assert (verdict.verdict, verdict.step) == (Verdict.DIVERGED, 1)
        assert "finite" in verdict.growth


def test_a_difference_that_grows_is_said_to_and_how_fast():
    steps = np.arange(200)
    x = np.cos(steps)
    y = x + np.where(steps >= 50, 1e-12 * 10 ** ((steps - 50) / 20), 0)
    verdict = judge("loss", curve(x), curve(y))
    assert (verdict.verdict, verdict.step) == (Verdict.DIVERGED, 50)
    assert verdict.growth.startswith("the difference grows tenfold every 20")
    assert verdict.growth_per_step == pytest.approx(10 ** (1 / 20), rel=0.01)
    assert verdict.largest_step == 199


def test_a_difference_at_one_point_alone_is_said_to_be():
    a, b = [1.0] * 10, [1.0] * 10
    b[4] = 2.0
    verdict = judge("x", curve(a), curve(b))
    assert (verdict.step, verdict.differing) == (4, 1)
    assert "again" in verdict.growth


def test_a_curve_that_ends_early_diverges_where_it_ends():
    verdict = judge("x", curve([1, 2, 3, 4]), curve([1, 2]))
    assert (verdict.verdict, verdict.step, verdict.row) == (Verdict.DIVERGED, 2, 2)
    assert (verdict.a, verdict.b) == (3.0, None)
    assert "the re-run ends after step 1" in verdict.reason
    longer = judge("x", curve([1, 2]), curve([1, 2, 3, 4]))
    assert (longer.verdict, longer.step, longer.b) == (Verdict.DIVERGED, 2, 3.0)
    assert "the original ends after step 1" in longer.reason


def test_repeated_steps_are_matched_by_their_order():
    a = curve([1, 2, 3, 4], steps=[0, 0, 1, 1])
    assert judge("x", a, curve([1, 2, 3, 4], steps=[0, 0, 1, 1])).verdict is Verdict.IDENTICAL
    other = judge("x", a, curve([2, 1, 3, 4], steps=[0, 0, 1, 1]))
    assert (other.verdict, other.step, other.row) == (Verdict.DIVERGED, 0, 0)
    missing = judge("x", a, curve([1, 3, 4], steps=[0, 1, 1]))
    assert (missing.verdict, missing.step, missing.row) == (Verdict.DIVERGED, 0, 1)


def test_no_step_in_common_or_only_one_curve_is_not_comparable():
    verdict = judge("x", curve([1, 2], steps=[0, 2]), curve([1, 2], steps=[1, 3]))
    assert verdict.verdict is Verdict.NOT_COMPARABLE
    assert "no step in common" in verdict.reason
    assert judge("x", curve([1]), None).reason == "only the original logged it"
    assert judge("x", None, curve([1])).reason == "only the re-run logged it"


def test_overall_is_the_worst_and_nothing_is_not_comparable():
    same = judge("a", curve([1]), curve([1]))
    close = judge("b", curve([1]), curve([1.1]), Tolerance(atol=1))
    lone = judge("c", curve([1]), None)
    apart = judge("d", curve([1]), curve([2]))
    assert overall([same]) is Verdict.IDENTICAL
    assert overall([same, close]) is Verdict.WITHIN_TOLERANCE
    assert overall([same, close, lone]) is Verdict.NOT_COMPARABLE
    assert overall([lone, apart, same]) is Verdict.DIVERGED
    assert overall([]) is Verdict.NOT_COMPARABLE
    assert [v.exit_code for v in Verdict] == [0, 0, 0, 2, 1, 1]


points = st.lists(
    st.tuples(st.integers(0, 6), st.sampled_from([0.0, 1.0, -1.5, NAN, INF, 1e-300])), max_size=12
)


@given(points, points)
def test_matching_agrees_with_a_model_in_plain_python(a, b):
    def of(pairs):
        pairs = sorted(pairs, key=lambda p: p[0])
        seen: dict[int, int] = {}
        model = {}
        for step, value in pairs:
            model[step, seen.get(step, 0)] = value
            seen[step] = seen.get(step, 0) + 1
        return curve([v for _, v in pairs], [s for s, _ in pairs]), model

    (x, model_x), (y, model_y) = of(a), of(b)
    verdict = judge("m", x, y)
    if not model_x or not model_y or not model_x.keys() & model_y.keys():
        assert verdict.verdict is Verdict.NOT_COMPARABLE
        return
    differing = sorted(
        key
        for key in model_x.keys() | model_y.keys()
        if key not in model_x or key not in model_y or not _same(model_x[key], model_y[key])
    )
    assert (verdict.verdict is Verdict.IDENTICAL) == (not differing)
    if differing:
        assert verdict.verdict is Verdict.DIVERGED
        assert verdict.step == differing[0][0]


def _same(x: float, y: float) -> bool:
    return x == y or (x != x and y != y)


@pytest.mark.parametrize(
    "name",
    ["time", "train/time", "epoch_time", "samples_per_sec", "tokens/s", "latency_ms", "fps", "stepTime", "eta", "it/s",
     "train_runtime", "train_samples_per_second", "elapsed_s", "epoch_seconds", "throughput", "wall_clock"],
)  # fmt: skip
def test_times_and_speeds_are_recognised(name):
    assert measure(name) is not None


@pytest.mark.parametrize(
    "name",
    ["loss", "train/loss", "rms", "steps", "timesteps", "lr", "num_classes", "eta/x", "time_loss", "sms", "acc",
     "items", "params", "val/items_seen", "perplexity", "momentum", "sec_loss", "loss/s", "acc/s", "papers", "shoppers",
     "walk/speed", "wind_speed", "teacher/loss"],
)  # fmt: skip
def test_results_are_not_taken_for_times(name):
    assert measure(name) is None


def named(*names):
    return [(name, None) for name in names]


def test_times_are_told_apart_unless_they_are_asked_for():
    names = named("loss", "train/time", "system/cpu.percent", "val/acc")
    made = chosen(names)
    assert made.counted == ["loss", "val/acc"]
    assert list(made.apart) == ["train/time"]
    assert list(made.left_out) == ["system/cpu.percent"]
    assert chosen(names, only=["train/*"]).counted == ["train/time"]
    made = chosen(names, ignore=["val/*"])
    assert made.counted == ["loss"]
    assert set(made.left_out) == {"system/cpu.percent", "val/acc"}


@pytest.mark.parametrize(
    ("name", "values", "is_time"),
    [
        ("epoch_time", [0.9, 1.1], True),
        ("step_ms", [900.0, 1900.0], True),
        ("step_time", [900.0, 1900.0], True),  # milliseconds without saying so
        (
            "survival_time",
            [30.0, 40.0],
            True,
        ),  # below the steps of milliseconds: it could be; it is told apart
        ("episode/duration", [0.2, 9000.0], False),
        ("survival_time", [-1.0, 0.5], False),
        ("elapsed_hours", [0.0001, 0.9], False),
        ("tokens/s", [5e9, 1e-9], True),  # no clock can say
        ("eta", [500.0, 400.0], True),
        ("epoch_time", [float("nan")] * 2, True),
    ],
)
def test_a_duration_longer_than_the_experiment_had_run_is_a_result(name, values, is_time):
    steps = np.arange(2)
    times = np.array([1001.0, 1002.0])
    one = Curve(steps, np.array(values), times)
    kind = measure(name)
    assert agrees_with_clock(kind, one, started=1000.0) is is_time
    assert (name in chosen([(name, one)], started=1000.0).apart) is is_time


def test_of_an_original_that_was_cut_short_only_what_it_has_is_compared():
    whole, begun = curve([1.0, 2.0, 3.0, 3.5], [0, 1, 2, 2]), curve([1.0, 2.0, 3.0], [0, 1, 2])
    assert judge("m", begun, whole).verdict is Verdict.DIVERGED
    assert judge("m", begun, whole, cut_short=True).verdict is Verdict.IDENTICAL
    assert judge("m", whole, begun, cut_short=True).verdict is Verdict.DIVERGED
    other = curve([1.0, 2.5, 3.0, 3.5], [0, 1, 2, 2])
    assert judge("m", begun, other, cut_short=True).verdict is Verdict.DIVERGED
