"""The current experiment."""

from __future__ import annotations

import asyncio
import gc
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

import anew
from anew import session
from anew.errors import NotRunning

from .tracking.reading import logs, points, state


@pytest.fixture(autouse=True)
def _no_current(monkeypatch: pytest.MonkeyPatch, root: Path) -> None:
    monkeypatch.setattr(session, "_current", None)
    monkeypatch.setenv("ANEW_ROOT", str(root))
    monkeypatch.setenv("ANEW_CONSOLE", "off")


def test_start_log_finish() -> None:
    exp = anew.start("a/b", tags=["x"])
    anew.log_metric("loss", 0.5, step=1)
    anew.log_metrics({"acc": 0.25})
    anew.log("hello", who="world")
    assert anew.current() is exp
    anew.finish()
    assert [(n, v) for *_, n, v in points(exp.folder)] == [("loss", 0.5), ("acc", 0.25)]
    assert [m.message for m in logs(exp.folder)] == ["hello"]
    assert str(state(exp.folder).outcome()[0]) == "completed"


def test_log_takes_metrics_of_the_current_experiment() -> None:
    exp = anew.start("a/b")
    anew.log({"loss": 0.5}, step=1)
    anew.log({"loss": 0.25}, 2)
    anew.finish()
    assert [(s, n, v) for _, s, n, v in points(exp.folder)] == [(1, "loss", 0.5), (2, "loss", 0.25)]
    assert not logs(exp.folder)


def test_a_second_start_completes_the_first() -> None:
    first = anew.start("a/one")
    second = anew.start("a/two")
    assert str(first.status) == "completed"
    assert anew.current() is second


@pytest.mark.parametrize("status", ["failed", "cancelled"])
def test_finish_with_a_status(status: str) -> None:
    exp = anew.start("a/b")
    anew.finish(status, "because")
    got, reason = state(exp.folder).outcome()
    assert (str(got), reason) == (status, "because")


def test_finish_refuses_a_status_that_is_no_end() -> None:
    anew.start("a/b")
    with pytest.raises(ValueError, match="running"):
        anew.finish("running")


def test_without_a_start_there_is_no_current_experiment() -> None:
    with pytest.raises(NotRunning):
        anew.log_metric("x", 1.0)


def test_track_records_each_call_of_a_function() -> None:
    folders = []

    @anew.track("a/b")
    def train(exp: anew.Experiment) -> int:
        exp.log_metric("x", 1.0)
        folders.append(exp.folder)
        return 7

    assert train() == 7  # type: ignore[call-arg]
    assert train() == 7  # type: ignore[call-arg]
    assert [len(points(folder)) for folder in folders] == [1, 1]
    assert folders[1] == f"{folders[0]}~2"


def test_an_experiment_opened_otherwise_is_current_while_it_runs() -> None:
    with anew.Experiment("a/outer") as outer:
        assert anew.current() is outer
        with anew.Experiment("a/inner") as inner:
            anew.log_metric("x", 1.0)
            assert anew.current() is inner
        assert anew.current() is outer
        started = anew.start("a/started")
        assert anew.current() is started
        anew.finish()
        assert anew.current() is outer
    assert [v for *_, v in points(inner.folder)] == [1.0]
    with pytest.raises(NotRunning):
        anew.current()


def test_a_thread_finds_its_own_experiment_or_the_only_one() -> None:
    def in_a_thread(body: Callable[[], object]) -> object:
        with ThreadPoolExecutor(1) as pool:
            return pool.submit(body).result()

    def opens_its_own() -> bool:
        with anew.Experiment("a/own") as own:
            return anew.current() is own

    with anew.Experiment("a/one") as one:
        assert in_a_thread(anew.current) is one
        assert in_a_thread(opens_its_own)
        with anew.Experiment("a/two"), pytest.raises(NotRunning):
            in_a_thread(anew.current)


def test_an_experiment_that_is_dropped_while_disabled_is_nobodys() -> None:
    anew.Experiment("a/b", mode="disabled").run.start()
    gc.collect()
    with pytest.raises(NotRunning):
        anew.current()


def test_tasks_that_run_side_by_side_each_have_their_own_experiment() -> None:
    async def job(name: str, number: float, how: str) -> str:
        if how == "with":
            with anew.Experiment(name) as exp:
                await log(number)
        else:
            exp = anew.start(name)
            await log(number)
            anew.finish()
        return exp.folder

    async def log(number: float) -> None:
        for step in range(3):
            anew.log_metric("loss", number, step=step)
            await asyncio.sleep(0.001)
            await asyncio.gather(nested(number, step))

    async def nested(number: float, step: int) -> None:
        """A task made within a job's own: it has the job's experiment."""
        anew.log_metric("nested", number, step=step)

    async def main() -> list[str]:
        ways = ("with", "with", "start", "start")
        jobs = [job(f"a/{i}", float(i), how) for i, how in enumerate(ways)]
        return await asyncio.gather(*jobs)

    for number, folder in enumerate(asyncio.run(main())):
        assert {v for *_, v in points(folder)} == {float(number)}
        assert len(points(folder)) == 6
        assert str(state(folder).outcome()[0]) == "completed"


def test_a_task_that_opened_none_does_not_guess_among_those_beside_it() -> None:
    async def job(name: str, opened: asyncio.Event, over: asyncio.Event) -> None:
        with anew.Experiment(name):
            opened.set()
            await over.wait()

    async def stranger(opened: list[asyncio.Event], over: asyncio.Event) -> None:
        for one in opened:
            await one.wait()
        try:
            with pytest.raises(NotRunning):
                anew.log_metric("loss", 0.5)
        finally:
            over.set()

    async def main() -> None:
        over, opened = asyncio.Event(), [asyncio.Event(), asyncio.Event()]
        jobs = [job(f"a/{number}", one, over) for number, one in enumerate(opened)]
        await asyncio.gather(*jobs, stranger(opened, over))

    asyncio.run(main())


def test_what_a_task_opened_is_current_where_the_program_goes_on_after_it() -> None:
    """As in a notebook, where each cell is a task."""

    async def cell(name: str) -> anew.Experiment:
        return anew.start(name)

    first = asyncio.run(cell("a/one"))
    anew.log_metric("loss", 1.0)
    assert anew.current() is first
    second = asyncio.run(cell("a/two"))
    assert str(first.status) == "completed"
    assert anew.current() is second


def test_threads_that_start_experiments_do_not_end_each_others() -> None:
    def job(number: int) -> str:
        exp = anew.start(f"a/{number}")
        for step in range(3):
            anew.log_metric("loss", float(number), step=step)
            time.sleep(0.001)
        anew.finish()
        return exp.folder

    with ThreadPoolExecutor(3) as pool:
        folders = list(pool.map(job, range(3)))
    for number, folder in enumerate(folders):
        assert [v for *_, v in points(folder)] == [float(number)] * 3


def test_what_start_has_begun_is_ended_by_a_block() -> None:
    with anew.start("a/b") as exp:
        exp.log({"loss": 0.5}, step=0)
        assert anew.current() is exp
    assert str(state(exp.folder).outcome()[0]) == "completed"
    with pytest.raises(ValueError, match="broken"), anew.start("a/c") as failed:
        raise ValueError("broken")
    assert str(state(failed.folder).outcome()[0]) == "failed"


def test_an_argument_of_another_tracker_says_what_to_write(root: Path) -> None:
    with pytest.raises(TypeError, match="tags="):
        anew.start("a/b", group="g")
    with pytest.raises(TypeError, match="nonsense"):
        anew.start("a/b", nonsense=1)
    assert not (root / "a").exists()
