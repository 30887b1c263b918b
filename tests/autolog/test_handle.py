"""A capture is for an experiment and for a time, and leaves everything as it was."""

from __future__ import annotations

import logging
import sys
import threading
from typing import Any

import pytest

import anew
from anew import Experiment
from anew.errors import InvalidValue
from anew.tracking.recording import LIFE, LIVE
from later import later

from .reading import messages, metrics

boards = later("torch.utils.tensorboard")


def is_original() -> bool:
    code = getattr(boards.SummaryWriter.__dict__["add_scalar"], "__code__", None)
    return code is not None and code.co_filename == boards.writer.__file__


@pytest.fixture(autouse=True)
def _nothing_is_left() -> Any:
    finders, listeners = list(sys.meta_path), list(LIFE)
    yield
    for recording in list(LIVE.values()):
        recording.close("cancelled", "the test ended")
    assert is_original()
    assert sys.meta_path == finders
    assert listeners == LIFE


@pytest.fixture
def writer(tmp_path: Any) -> Any:
    with boards.SummaryWriter(str(tmp_path / "runs")) as made:
        yield made


def test_it_ends_with_the_block(writer: Any):
    with Experiment("a/b", system_metrics=0) as exp:
        with anew.capture() as handle:
            assert handle.active
            assert handle.sources == {"tensorboard", "lightning", "logging", "matplotlib"}
            writer.add_scalar("loss", 1.0, 0)
        assert not handle.active
        assert repr(handle) == "<Capture stopped>"
        handle.stop()
        writer.add_scalar("loss", 2.0, 1)
    assert metrics(exp) == {"loss": [(0, 1.0)]}


def test_it_ends_with_the_experiment_it_was_begun_in(writer: Any):
    with Experiment("a/b", system_metrics=0) as exp:
        handle = anew.capture()
        writer.add_scalar("loss", 1.0, 0)
    assert not handle.active
    assert is_original()
    with Experiment("a/next", system_metrics=0) as after:
        writer.add_scalar("loss", 2.0, 1)
    assert metrics(exp) == {"loss": [(0, 1.0)]}
    assert metrics(after) == {}


def test_an_experiment_that_fails_ends_it_too(writer: Any):
    def fails() -> None:
        with Experiment("a/b", system_metrics=0):
            anew.capture()
            raise RuntimeError("boom")

    with pytest.raises(RuntimeError, match="boom"):
        fails()
    assert is_original()


def test_begun_before_any_experiment_it_is_for_all_and_changes_nothing_between_them(writer: Any):
    with anew.capture() as handle:
        assert is_original()
        writer.add_scalar("loss", 0.0, 0)
        found = []
        for name in ("a/one", "a/two"):
            with Experiment(name, system_metrics=0) as exp:
                assert not is_original()
                writer.add_scalar("loss", 1.0, 1)
                found.append(exp)
            assert is_original()
            assert handle.active
    assert [metrics(exp) for exp in found] == [{"loss": [(1, 1.0)]}] * 2


def test_the_experiment_given_is_the_one_recorded_in_from_its_start_to_its_end(writer: Any):
    exp = Experiment("a/given", system_metrics=0)
    handle = anew.capture(experiment=exp)
    with Experiment("a/other", system_metrics=0) as other:
        writer.add_scalar("loss", 1.0, 0)
        with exp:
            writer.add_scalar("loss", 2.0, 1)
        writer.add_scalar("loss", 3.0, 2)
    assert not handle.active
    assert metrics(exp) == {"loss": [(1, 2.0)]}
    assert metrics(other) == {}


def test_without_one_given_the_innermost_is_recorded_in(writer: Any):
    with Experiment("a/outer", system_metrics=0) as outer:
        anew.capture()
        writer.add_scalar("loss", 1.0, 0)
        with Experiment("a/inner", system_metrics=0) as inner:
            writer.add_scalar("loss", 2.0, 1)
        writer.add_scalar("loss", 3.0, 2)
    assert metrics(outer) == {"loss": [(0, 1.0), (2, 3.0)]}
    assert metrics(inner) == {"loss": [(1, 2.0)]}


def test_the_current_experiment_is_found_as_well(writer: Any):
    exp = anew.start("a/current", system_metrics=0)
    anew.capture()
    writer.add_scalar("loss", 1.0, 0)
    anew.finish()
    assert is_original()
    assert metrics(exp) == {"loss": [(0, 1.0)]}


def test_several_captures_of_one_experiment_record_once_and_of_two_in_each(writer: Any):
    with Experiment("a/one", system_metrics=0) as one, Experiment("a/two", system_metrics=0) as two:
        first = anew.capture(experiment=two)
        second = anew.capture(experiment=two)
        third = anew.capture(experiment=one, tensorboard=True, logging=False)
        writer.add_scalar("loss", 1.0, 0)
        logging.getLogger("said").warning("once")
        first.stop()
        assert not is_original()
        writer.add_scalar("loss", 2.0, 1)
        third.stop()
        second.stop()
        assert is_original()
    assert metrics(two) == {"loss": [(0, 1.0), (1, 2.0)]}
    assert metrics(one) == {"loss": [(0, 1.0), (1, 2.0)]}
    assert len(messages(two)) == 1
    assert messages(one) == []


def test_a_thread_without_an_experiment_reports_to_where_the_capture_was_begun(writer: Any):
    with Experiment("a/outer", system_metrics=0) as outer:
        anew.capture()
        with Experiment("a/inner", system_metrics=0):
            thread = threading.Thread(target=writer.add_scalar, args=("loss", 1.0, 0))
            thread.start()
            thread.join()
    assert metrics(outer) == {"loss": [(0, 1.0)]}


def test_a_disabled_experiment_records_nothing_and_ends_it_too(writer: Any):
    with Experiment("a/nothing", mode="disabled"):
        handle = anew.capture()
        assert is_original()
        writer.add_scalar("loss", 1.0, 0)
    with Experiment("a/real", system_metrics=0) as exp:
        writer.add_scalar("loss", 1.0, 0)
    assert not handle.active
    assert metrics(exp) == {}


def test_what_is_no_experiment_is_refused():
    with pytest.raises(InvalidValue, match="str"):
        anew.capture(experiment="a/b")  # type: ignore[arg-type]
