"""Figures are recorded when they are shown or saved, once, and shown and saved as before."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import anew
from anew import Experiment, Store
from anew.plots import plot_metric
from later import later

from .reading import metrics, values

animation = later("matplotlib.animation")
figures = later("matplotlib.figure")
plt = later("matplotlib.pyplot")


@pytest.fixture
def exp(monkeypatch: pytest.MonkeyPatch) -> Iterator[Experiment]:
    plt.switch_backend("agg")
    monkeypatch.setenv("DISPLAY", ":0")  # without one, showing is silent where there are no windows
    with Experiment("alice/draws", system_metrics=0) as experiment:
        yield experiment
    plt.close("all")


def drawn(title: str = "", **options: Any) -> figures.Figure:
    figure, axes = plt.subplots(**options)
    axes.plot([1, 3, 2])
    axes.set_title(title)
    return figure


def test_a_saved_figure_is_recorded_under_its_own_name_or_its_files(exp: Experiment):
    labelled, titled, above, plain = (
        drawn(num="by its label"),
        drawn("by its\n title"),
        drawn(),
        drawn(),
    )
    above.suptitle("by its suptitle")
    with anew.capture():
        for figure in (labelled, titled, above):
            figure.savefig("any.png")
        plt.savefig(Path("by-its-file.pdf"))
        plain.savefig(io.BytesIO())
    assert [name for name, kind, step in values(exp) if (kind, step) == ("figure", None)] == [
        "by its label", "by its  title", "by its suptitle", "by-its-file",
    ]  # fmt: skip
    assert Path("any.png").read_bytes().startswith(b"\x89PNG")
    assert Path("by-its-file.pdf").read_bytes().startswith(b"%PDF")
    first = Store()[exp.id].values()[0]
    assert first.metadata["saved_as"] == "any.png"
    assert first.read_bytes().startswith(b"\x89PNG")


def show() -> None:
    """`plt.show()` with a backend without windows: it says so, which proves that it was called."""
    with pytest.warns(UserWarning, match="non-interactive"):
        plt.show()


def test_saved_in_two_formats_and_shown_a_figure_is_recorded_once_until_it_changes(
    exp: Experiment,
):
    figure = drawn()
    with anew.capture():
        figure.savefig("curve.png")
        figure.savefig("curve.pdf")
        show()
        assert len(values(exp)) == 1
        figure.axes[0].plot([3, 1, 2])
        show()
    assert [name for name, _, _ in values(exp)] == ["curve", "curve"]


def test_a_shown_figure_is_recorded(exp: Experiment):
    drawn("one")
    drawn("two")
    with anew.capture():
        show()
        figure = drawn("three")
        with pytest.warns(UserWarning, match="non-interactive"):
            figure.show()
        with pytest.raises(AttributeError, match="pyplot"):
            figures.Figure().show()
    assert [name for name, _, _ in values(exp)] == ["one", "two", "three"]


def test_an_error_of_saving_is_the_programs_and_nothing_is_recorded(exp: Experiment):
    with anew.capture(), pytest.raises(ValueError, match="nope"):
        drawn("t").savefig("a.nope")
    assert values(exp) == []


def test_our_own_drawing_and_the_pictures_of_an_animation_are_no_reports(exp: Experiment):
    figure = drawn("mine")
    exp.log_metric("loss", 1.0, 0)
    exp.log_metric("loss", 0.5, 1)
    with anew.capture():
        exp.log_value("logged", figure, 1)
        exp.files("plots").save(figure, name="kept.png")
        plot_metric(Store(), [exp.id], "loss", save="loss.png")
        film = animation.FuncAnimation(figure, lambda i: [], frames=3)
        film.save("film.gif", writer="pillow")
    assert [name for name, _, _ in values(exp)] == ["logged"]
    assert Path("film.gif").stat().st_size > 0
    assert Path("loss.png").stat().st_size > 0


def test_a_figure_given_to_tensorboard_is_recorded_once(exp: Experiment):
    from torch.utils.tensorboard import SummaryWriter

    with anew.capture(), SummaryWriter("runs") as writer:
        writer.add_figure("board", drawn("t"), 3)
    assert values(exp) == [("board", "figure", 3)]


def test_switched_off_and_stopped_matplotlib_is_as_it_was(exp: Experiment):
    before = (figures.Figure.__dict__["savefig"], figures.Figure.__dict__["show"], plt.show)
    with anew.capture(matplotlib=False):
        assert (
            figures.Figure.__dict__["savefig"],
            figures.Figure.__dict__["show"],
            plt.show,
        ) == before
    with anew.capture():
        changed = (figures.Figure.__dict__["savefig"], figures.Figure.__dict__["show"], plt.show)
        assert not set(changed) & set(before)
    after = (figures.Figure.__dict__["savefig"], figures.Figure.__dict__["show"], plt.show)
    assert all(one is other for one, other in zip(after, before, strict=True))
    drawn("late").savefig("late.png")
    assert values(exp) == []
    assert metrics(exp) == {}
