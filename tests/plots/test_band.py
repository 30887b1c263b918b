import numpy as np
import pytest

from anew.plots.band import band_of


def run(*pairs):
    x, y = zip(*pairs, strict=True)
    return np.array(x, float), np.array(y, float)


def test_runs_with_the_same_steps_are_averaged_point_by_point():
    band = band_of([run((0, 1), (1, 2)), run((0, 3), (1, 6))])
    np.testing.assert_array_equal(band.x, [0, 1])
    np.testing.assert_array_equal(band.mean, [2, 4])
    np.testing.assert_allclose(band.high - band.mean, np.std([[1, 2], [3, 6]], axis=0, ddof=1))
    np.testing.assert_array_equal(band.count, [2, 2])


def test_a_run_is_interpolated_between_its_points_and_never_beyond_them():
    band = band_of([run((0, 0), (4, 4)), run((1, 10), (2, 10))])
    np.testing.assert_array_equal(band.x, [0, 1, 2, 4])
    np.testing.assert_array_equal(band.mean, [0, 5.5, 6, 4])
    np.testing.assert_array_equal(band.count, [1, 2, 2, 1])


def test_a_run_takes_no_part_where_it_is_not_finite():
    band = band_of([run((0, 1), (1, np.nan), (2, 1)), run((0, 3), (1, 3), (2, 3))])
    np.testing.assert_array_equal(band.mean, [2, 3, 2])
    np.testing.assert_array_equal(band.count, [2, 1, 2])


def test_infinity_is_no_part_of_a_mean():
    band = band_of([run((0, np.inf)), run((0, 3))])
    assert (band.mean[0], band.count[0]) == (3, 1)


def test_a_position_where_no_run_is_finite_is_a_gap():
    for kind in ("std", "range", "ci"):
        band = band_of([run((0, 1), (1, np.nan))], kind=kind)
        assert np.isnan([band.mean[1], band.low[1], band.high[1]]).all()


def test_repeated_steps_of_a_run_are_averaged_but_stay_in_the_range():
    band = band_of([run((0, 1), (0, 3))], kind="range")
    assert (band.mean[0], band.low[0], band.high[0]) == (2, 1, 3)


def test_a_spike_stays_in_the_range_when_steps_share_a_bin():
    y = np.zeros(10_000)
    y[1234] = 100
    steps = np.arange(10_000, dtype=float)
    band = band_of([(steps, y), (steps, np.zeros(10_000))], kind="range", points=50)
    assert len(band.x) == 50
    assert band.high.max() == 100


@pytest.mark.parametrize(
    ("runs", "quantile"), [(2, 12.7062), (3, 4.3027), (31, 2.0423), (61, 2.0003)]
)
def test_the_confidence_interval_is_student_s(runs, quantile):
    values = np.random.default_rng(1).normal(size=runs)
    band = band_of([run((0, value)) for value in values], kind="ci")
    half = quantile * values.std(ddof=1) / np.sqrt(runs)
    np.testing.assert_allclose(band.high[0] - band.mean[0], half, rtol=1e-4)


def test_one_run_has_a_band_without_width():
    for kind in ("std", "ci"):
        band = band_of([run((0, 1), (1, 2))], kind=kind)
        np.testing.assert_array_equal(band.low, band.high)


def test_a_run_without_points_changes_nothing():
    empty = (np.empty(0), np.empty(0))
    assert band_of([empty, run((0, 5))]).count.tolist() == [1]
    assert len(band_of([empty]).x) == 0
