"""Python's logging is recorded, and prints what it always did."""

from __future__ import annotations

import logging
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

import anew
from anew import Experiment
from anew.autolog.messages import level_of
from anew.errors import InvalidValue

from .reading import messages


@pytest.fixture(autouse=True)
def _levels() -> Iterator[None]:
    before = logging.getLogger().level
    logging.getLogger().setLevel(logging.DEBUG)
    yield
    logging.getLogger().setLevel(before)


@pytest.fixture
def exp() -> Iterator[Experiment]:
    with Experiment("alice/says", system_metrics=0) as experiment:
        yield experiment


def test_a_message_is_kept_with_its_logger_its_exception_and_its_extra_fields(exp: Experiment):
    logger = logging.getLogger("train.loop")
    with anew.capture():
        logger.info("epoch %d of %d", 3, 10, extra={"loss": 0.5, "level": 2, "_own": 1})
        try:
            raise ValueError("no such thing")
        except ValueError:
            logger.exception("it failed")
        logger.warning("look", stack_info=True)
    said = messages(exp)
    assert said[0] == ("info", "epoch 3 of 10", {"logger": "train.loop", "loss": 0.5, "level_": 2})
    assert said[1][:2] == ("error", "it failed")
    assert said[1][2]["exception"].startswith("Traceback (most recent call last):\n")
    assert said[1][2]["exception"].endswith("ValueError: no such thing")
    assert "Stack (most recent call last)" in said[2][2]["stack"]


def test_levels_below_info_are_left_out_unless_asked_for(exp: Experiment):
    logger = logging.getLogger("levels")
    with anew.capture():
        logger.debug("not kept")
        logger.log(25, "between")
        logger.critical("worst")
    with anew.capture(logging="warning"):
        logger.info("not kept")
        logger.warning("kept")
    with anew.capture(logging=logging.DEBUG):
        logger.debug("kept too")
        logger.log(5, "below debug, and not kept")
    assert [(level, text) for level, text, _ in messages(exp)] == [
        ("info", "between"), ("critical", "worst"), ("warning", "kept"), ("debug", "kept too"),
    ]  # fmt: skip
    assert messages(exp)[0][2]["levelname"] == "Level 25"


def test_a_level_that_there_is_not_is_refused():
    assert (level_of(True), level_of("WARN"), level_of(37)) == (20, 30, 37)
    with pytest.raises(InvalidValue, match="loud"):
        anew.capture(logging="loud")


def test_what_a_program_has_switched_off_is_not_recorded(exp: Experiment):
    quiet, own = logging.getLogger("quiet.library"), logging.getLogger("own.handler")
    quiet.addHandler(logging.NullHandler())
    quiet.propagate = own.propagate = False
    own.addHandler(logging.StreamHandler())
    disabled = logging.getLogger("disabled")
    disabled.disabled = True
    with anew.capture():
        quiet.error("into nothing")
        disabled.error("into nothing")
        own.error("printed elsewhere")
        logging.getLogger("anew").error("our own")
        logging.getLogger("anew.forwarders").error("our own")
    assert [text for _, text, _ in messages(exp)] == ["printed elsewhere"]


def test_arguments_that_do_not_fit_are_the_programs_own_mistake(exp: Experiment):
    raising, logging.raiseExceptions = logging.raiseExceptions, False
    try:
        with anew.capture():
            logging.getLogger("wrong").handlers = [logging.NullHandler()]
            logging.getLogger("wrong").propagate = False
            logging.getLogger("wrong").addHandler(logging.StreamHandler())
            logging.getLogger("wrong").error("%d of %d", "three")
    finally:
        logging.raiseExceptions = raising
    assert [text for _, text, _ in messages(exp)] == ["%d of %d"]


def test_many_threads_lose_and_double_nothing(exp: Experiment):
    def say(number: int) -> None:
        for i in range(100):
            logging.getLogger(f"thread{number}").info("%d-%d", number, i)

    with anew.capture():
        threads = [threading.Thread(target=say, args=(number,)) for number in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    said = [text for _, text, _ in messages(exp)]
    assert sorted(said) == sorted(f"{number}-{i}" for number in range(4) for i in range(100))


class Chatty:
    """Something whose text is itself worth a message, as with a handler that logs."""

    def __str__(self) -> str:
        logging.getLogger("chatty").info("asked for my text")
        return "text"


def test_an_extra_field_may_be_called_as_a_parameter_of_ours_is(exp: Experiment):
    extra = {"what": 1, "self": 2, "step": 3, "metadata": 4}
    with anew.capture():
        logging.getLogger("names").info("it is", extra=extra)
    [(_, _, fields)] = messages(exp)
    assert fields == {"logger": "names", **extra}


def test_a_message_made_while_one_is_recorded_does_not_go_round(exp: Experiment):
    with anew.capture():
        logging.getLogger("outer").info("it is", extra={"what": Chatty()})
    assert [text for _, text, _ in messages(exp)] == ["it is"]


PRINTS = """
import logging, anew
with anew.Experiment("alice/prints", console="off"):
    {capture}
    logging.getLogger("early").warning("the last resort prints this")
    logging.basicConfig(level="INFO", format="%(levelname)s %(message)s")
    logging.info("as configured")
    print(len(logging.getLogger().handlers))
"""


def test_basic_configuration_and_the_last_resort_do_what_they_did(tmp_path: Path):
    outputs = []
    for number, call in enumerate(["pass", "anew.capture()"]):
        folder = tmp_path / str(number)
        folder.mkdir()
        result = subprocess.run(
            [sys.executable, "-c", PRINTS.format(capture=call)],
            cwd=folder,
            capture_output=True,
            text=True,
            check=True,
        )
        outputs.append((result.stdout, result.stderr))
    assert outputs[0] == outputs[1] == ("1\n", "the last resort prints this\nINFO as configured\n")


def test_switched_off_and_stopped_logging_is_as_it_was(exp: Experiment):
    before = logging.Logger.__dict__["callHandlers"]
    root = list(logging.getLogger().handlers)
    with anew.capture(logging=False):
        assert logging.Logger.__dict__["callHandlers"] is before
    handle = anew.capture()
    assert logging.Logger.__dict__["callHandlers"] is not before
    assert logging.getLogger().handlers == root
    handle.stop()
    assert logging.Logger.__dict__["callHandlers"] is before
    logging.getLogger("late").error("not kept")
    assert messages(exp) == []
