"""What the results of experiments say in numbers: two groups compared, which settings matter. The page says the same."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

import numpy as np

from ..analysis.values import values_of
from ..errors import InvalidValue
from ..plots.style import INK, dress, literal, new_axes, shortened
from ..reports.meaning import quoted
from .colours import STRONG
from .figure import WIDE, charted
from .parts import Chart, Figure, Part, Table
from .words import chance, plural, short, title_of

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Drawing

    from ..analysis.comparing import Comparison, Sample
    from ..analysis.grouping import GroupComparison
    from ..analysis.importance import Importance
    from ..analysis.values import FieldValues
    from ..plots.lines import Floats
    from ..reports.meaning import Block
    from ..reports.plots import Plot
    from ..store import Store

__all__ = ["compared", "explained"]

_MOST_VALUES = 200
_P = 0.05
_MOST_BARS = 30
_MOST_DOTS = 2000


def explained(store: Store, block: Block, plot: Plot, form: Literal["svg", "png"]) -> list[Part]:
    """How much each setting explains of the result, with how sure that is."""
    found = store.analysis.importance(
        plot.result, plot.settings, filter=block.filter, reproductions=True
    )
    if not found:
        return [_sentence("No setting varies in enough experiments that have this result.")]
    rows = [
        (
            title_of(one.field), f"{100 * one.share:.1f} %", f"{100 * one.interval[0]:.0f} to {100 * one.interval[1]:.0f} %",
            chance(one.p), f"{one.n:,}", str(one.groups),
        )
        for one in found
    ]  # fmt: skip
    said = (
        f"What matters for {title_of(plot.result)}: the part of the variance of the result's ranks that a setting explains alone, adjusted for chance (ε²); "
        "its interval (95 %) is by bootstrap over experiments, p by permutation. What settings do only together is in no share, settings that "
        f"were varied together share what they explain, and with {plural(len(found), 'setting')} about one in twenty has p below {_P} by chance."
    )
    heads = ("setting", "share explained", "interval", "p", "n", "groups")
    drawn = charted(_shares(found), form, f"What matters for {title_of(plot.result)}")
    return [Figure((drawn,)), Table(heads, tuple(rows), frozenset(range(1, 6)), said=(said,))]


def _shares(found: Sequence[Importance]) -> Drawing:
    """A bar for what each setting explains, and a line for how sure that is."""
    some = found[:_MOST_BARS]
    figure, axes = new_axes(None, size=(WIDE, 0.7 + 0.24 * len(some)))
    for at, one in enumerate(some):
        low, high = (100 * min(max(end, 0.0), 1.0) for end in one.interval)
        axes.barh([at], [100 * max(one.share, 0.0)], height=0.6, color=STRONG, alpha=0.6)
        axes.plot([low, high], [at, at], color=INK, lw=1.5)
    dress(axes, title="", x="share explained, %", y="", grid="x")
    axes.set_yticks(range(len(some)), [literal(shortened(title_of(one.field), 28)) for one in some])
    axes.set_ylim(len(some) - 0.4, -0.6)
    axes.set_xlim(0, 100)
    return figure


def compared(store: Store, block: Block, plot: Plot, form: Literal["svg", "png"]) -> list[Part]:
    """Two groups by one result: how far apart, how sure, and what so many can and cannot tell."""
    found = values_of(store.backend, [plot.setting, plot.result], block.filter, block.sort)
    setting, results = found.columns
    groups = _groups(setting, plot.groups)
    if len(groups) < 2:
        return [_sentence(f"There are no two values of {title_of(plot.setting)} to compare.")]
    a, b = (_condition(setting, value) for _, value in groups)
    alike = _alike(plot)
    told = store.analysis.compare(plot.result, a, b, filter=block.filter, pair=alike, reproductions=True)  # fmt: skip
    unpaired = not plot.pair and told.result is None and bool(alike)
    if unpaired:
        alike = ()
        told = store.analysis.compare(plot.result, a, b, filter=block.filter, reproductions=True)
    if told.result is None:
        how = f": no experiment of A has a partner in B by {', '.join(map(title_of, alike))}" if alike else ""  # fmt: skip
        return [_sentence(f"No result to compare{how}.")]
    names = [f"{side}: {title_of(plot.setting)} {text}" for side, (text, _) in zip("AB", groups, strict=True)]  # fmt: skip
    each = [results.values[setting.values == value] for _, value in groups]
    means = (told.result.a.mean, told.result.b.mean)
    figure = _strip([text for text, _ in groups], each, means, title_of(plot.result))
    drawn = charted(figure, form, "Each result of both groups, ▲ their means")
    return _told(told, told.result, plot, names, alike, unpaired, drawn)


def _strip(
    names: Sequence[str], each: Sequence[Floats], means: Sequence[float], title: str
) -> Drawing:
    """Each result of both groups on one axis."""
    figure, axes = new_axes(None, size=(WIDE, 1.7))
    for at, (values, mean) in enumerate(zip(each, means, strict=True)):
        there = values[np.isfinite(values)]
        axes.plot(there, np.full(len(there), at), "o", color=STRONG, ms=5, mec="white", mew=0.5, alpha=0.75, rasterized=len(there) > _MOST_DOTS)  # fmt: skip
        axes.plot([mean], [at + 0.28], "^", color=INK, ms=6)
    dress(axes, title="", x=title, y="", grid="x")
    sides = [f"{side}: {shortened(name, 18)}" for side, name in zip("AB", names, strict=True)]
    axes.set_yticks([0, 1], list(map(literal, sides)))
    axes.set_ylim(1.6, -0.5)
    return figure


def _alike(plot: Plot) -> tuple[str, ...]:
    """The fields in which partners are equal: where there are seeds, all other settings."""
    if plot.pair == "-":
        return ()
    if plot.pair:
        return (plot.pair,)
    return tuple(one for one in plot.settings if one != plot.setting) if plot.seeds else ()


def _groups(setting: FieldValues, chosen: Sequence[str]) -> list[tuple[str, float]]:
    """The two groups as they are written and as numbers: those that were chosen, or else the largest."""
    values, counts = np.unique(setting.values[~np.isnan(setting.values)], return_counts=True)
    if len(values) > _MOST_VALUES:
        raise InvalidValue(
            f"{title_of(setting.field)} has more than {_MOST_VALUES} values: choose a setting with fewer, or narrow the filter down.",
            key="setting",
        )
    options = [(_text(setting, value), float(value)) for value in values]
    largest = sorted(np.argsort(-counts, kind="stable")[:2])
    usual = [options[at] for at in largest]
    named = dict(options)
    found = []
    for at in range(2):
        text = chosen[at] if at < len(chosen) else None
        if text is not None and text in named:
            found.append((text, named[text]))
        elif at < len(usual):
            found.append(usual[at])
    return found if len({value for _, value in found}) == 2 else []


def _text(setting: FieldValues, value: float) -> str:
    if setting.labels is not None:
        return setting.labels[int(value)]
    if np.isfinite(value) and (value == 0 or 1e-7 < abs(value) < 1e21):
        return str(np.format_float_positional(value, trim="-"))  # as browsers write numbers
    return repr(float(value))


def _condition(setting: FieldValues, value: float) -> str:
    text = _text(setting, value)
    truths = setting.labels is not None and set(setting.labels) <= {"true", "false"}
    return f"{setting.field} == {text if setting.labels is None or truths else quoted(text)}"


def _told(
    told: GroupComparison,
    result: Comparison,
    plot: Plot,
    names: Sequence[str],
    alike: Sequence[str],
    unpaired: bool,
    drawn: Chart,
) -> list[Part]:
    percent = f"{result.confidence:.0%}".replace("%", " %")
    apart = "the same" if result.difference == 0 else f"{short(abs(result.difference))} {'higher' if result.difference > 0 else 'lower'}"  # fmt: skip
    interval = result.interval
    between = f", {percent} interval {short(interval[0])} to {short(interval[1])}" if interval else ""  # fmt: skip
    off = interval is not None and (interval[0] > 0 or interval[1] < 0)
    unlikely = result.p <= 1 - result.confidence
    shown = "A difference is shown." if off else "No difference is shown."
    if off != unlikely:
        shown = "Whether there is a difference is open."
    verdict = f"{title_of(plot.result)} of B is {apart} on average{between}. {shown}"
    sides = Table(
        ("", "n", "mean", "sd", "min", "max"),
        tuple(_side(name, one) for name, one in zip(names, (result.a, result.b), strict=True)),
        frozenset(range(1, 6)),
    )
    said = list(result.notes)
    if told.missing != (0, 0):
        said.append(f"{told.missing[0]} and {told.missing[1]} without a finite result are left out.")  # fmt: skip
    if unpaired:
        said.append("No experiment of A has a partner in B that is equal in all else, so all were compared with all.")  # fmt: skip
    facts = Table(("", ""), tuple(_facts(told, result, percent, alike)), frozenset(), said=tuple(said))  # fmt: skip
    return [Figure((Chart(verdict), drawn)), sides, facts]


def _side(name: str, one: Sample) -> tuple[str, ...]:
    return (name, str(one.n), short(one.mean), short(one.sd), short(one.min), short(one.max))


def _facts(
    told: GroupComparison, one: Comparison, percent: str, alike: Sequence[str]
) -> list[tuple[str, str]]:
    paired = one.pairs is not None
    rows = []
    test = "paired t" if paired else "Welch"
    span = f" ({percent}: {short(one.interval[0])} to {short(one.interval[1])}, {test})" if one.interval else ""  # fmt: skip
    rows.append(("difference", f"{short(one.difference)}{span}"))
    if one.effect is None:
        rows.append(("effect", "–"))
    else:
        span = f" ({percent}, approximate: {short(one.effect_interval[0])} to {short(one.effect_interval[1])})" if one.effect_interval else ""  # fmt: skip
        rows.append(("effect", f"Hedges' g {short(one.effect)}{span}"))
    of = "pairs" if paired else "all pairs of one run each"
    rows.append(("wins", f"{100 * one.wins:.1f} % of {of} have the higher value in B"))
    ways = f"all {one.ways:,} ways" if one.exact else f"{one.ways:,} ways drawn" if one.ways else "which of so many is a normal distribution"  # fmt: skip
    welch = f"; by t-test {chance(one.welch_p)}" if one.welch_p is not None else ""
    rows.append(("p", f"{chance(one.p)} by permutation, {ways}; smallest possible {chance(one.least_p)}{welch}"))  # fmt: skip
    if paired:
        alone = f"; {told.alone[0]} and {told.alone[1]} have no partner of their own" if any(told.alone) else ""  # fmt: skip
        rows.append(("pairs", f"{one.pairs} by {', '.join(map(title_of, alike))}{alone}"))
    return rows


def _sentence(text: str) -> Figure:
    return Figure((Chart(text),))
