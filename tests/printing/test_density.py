"""Very many lines through axes."""

from __future__ import annotations

import numpy as np

from later import later

chart, style, density = (
    later("anew.plots.chart"),
    later("anew.plots.style"),
    later("anew.printing.density"),
)


def test_every_line_is_counted_between_each_two_axes():
    random = np.random.default_rng(0)
    first, second, third = random.random(5000), random.random(5000), random.random(5000)
    second[:7] = np.nan
    rulers = tuple(chart.Ruler(name) for name in "abc")
    _, axes = style.new_axes(None)
    density.count_strands(axes, chart.Strands("", rulers, (first, second, third)))
    counts = [np.asarray(image.get_array()) for image in axes.images]
    assert len(counts) == 2
    for one in counts:
        assert np.allclose(one.sum(axis=0), 5000)
    # Those without a value on the second axis end below its foot.
    below = counts[0][: int(len(counts[0]) * 0.11), -1]
    assert below.sum() == 7
