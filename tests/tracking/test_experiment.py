"""Experiment: what a training program says, and what is in the folder afterwards."""

from __future__ import annotations

import argparse
import asyncio
import dataclasses
import math
import subprocess
import sys
import threading
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from anew import Experiment, Image, Status, Store, Text
from anew.errors import (
    AlreadyRunning,
    ConfigFrozen,
    InvalidName,
    InvalidSetting,
    InvalidValue,
    NotRunning,
    UnknownFormat,
    WriteFailed,
)
from anew.record.events import Closed, Linked, Opened, ValueLogged

from .reading import events, logs, metadata, points, segment, state


def opened(root: Path, name: str = "alice/vision/resnet", **options: Any) -> Experiment:
    return Experiment(name, root=root, **{"console": "off", "system_metrics": 0, **options})


# -- life ----------------------------------------------------------------------------------------


def test_a_with_block_completes(root: Path) -> None:
    with opened(root) as exp:
        assert exp.status is Status.RUNNING
        assert metadata(exp.folder)["status"] == "running"
    assert exp.status is Status.COMPLETED
    assert state(exp.folder).outcome() == (Status.COMPLETED, None)
    assert metadata(exp.folder)["status"] == "completed"


def test_run_in_a_with_statement_gives_the_experiment(root: Path) -> None:
    with opened(root).run as exp:
        assert isinstance(exp, Experiment)
    assert exp.status is Status.COMPLETED


def test_an_exception_fails_it_and_is_kept(root: Path) -> None:
    with pytest.raises(ZeroDivisionError), opened(root) as exp:
        exp.log_metric("loss", 1.0, step=41)
        exp.log_metric("loss", 1.0, step=42)
        1 / 0  # noqa: B018
    assert state(exp.folder).outcome() == (Status.FAILED, "ZeroDivisionError: division by zero")
    text = (Path(exp.folder) / "FAILED.txt").read_text()
    assert text.startswith("Failed at step 42\n")
    assert "1 / 0" in text


def test_ctrl_c_cancels_it(root: Path) -> None:
    with pytest.raises(KeyboardInterrupt), opened(root) as exp:
        raise KeyboardInterrupt
    assert exp.status is Status.CANCELLED


@pytest.mark.parametrize(
    ("code", "status"), [(0, "completed"), (None, "completed"), (3, "failed"), ("no", "failed")]
)
def test_leaving_through_exit_ends_it_by_the_code(root: Path, code: Any, status: str) -> None:
    with pytest.raises(SystemExit), opened(root) as exp:
        sys.exit(code)
    assert exp.status.value == status


def test_direct_use(root: Path) -> None:
    exp = opened(root)
    assert exp.status is Status.PENDING
    exp.run.start()
    with pytest.raises(AlreadyRunning):
        exp.run.start()
    exp.run.fail("the loss exploded")
    assert state(exp.folder).outcome() == (Status.FAILED, "the loss exploded")
    with pytest.raises(NotRunning):
        exp.run.complete()


def test_ending_by_hand_inside_the_block_stands(root: Path) -> None:
    with opened(root) as exp:
        exp.run.cancel("no longer needed")
    assert exp.status is Status.CANCELLED


def test_as_a_decorator_each_call_is_one_opening(root: Path) -> None:
    @opened(root, "sweep")
    def train(width: int, experiment: Experiment) -> str:
        """Doc."""
        experiment.params.set(width=width)
        return experiment.id

    first, second = train(1), train(width=2)  # type: ignore[call-arg]
    assert first != second
    assert train.__doc__ == "Doc."
    assert len(list(root.glob("sweep-*"))) == 2


def test_a_decorated_function_takes_its_other_arguments_by_position_or_by_name(root: Path) -> None:
    @opened(root, "first")
    def first(experiment: Experiment, lr: float) -> float:
        assert experiment.status is Status.RUNNING
        return lr

    class Trainer:
        @opened(root, "method")
        def fit(self, exp: Experiment, /, lr: float, *, momentum: float = 0.0) -> float:
            assert exp.status is Status.RUNNING
            return lr + momentum

    @opened(root, "keyword")
    def keyword(*rates: float, experiment: Experiment) -> float:
        return sum(rates)

    call: Any
    for call in (first, Trainer().fit, keyword):
        assert call(0.5) == 0.5
    for call in (first, Trainer().fit):
        assert call(lr=0.5) == 0.5
    assert Trainer().fit(0.5, momentum=0.5) == 1.0  # type: ignore[call-arg, arg-type]


def test_a_decorated_coroutine_is_recorded_until_it_ends(root: Path) -> None:
    @opened(root, "async")
    async def train(experiment: Experiment, number: int) -> str:
        for step in range(3):
            experiment.log_metric("x", float(number), step=step)
            await asyncio.sleep(0.001)
        if number == 2:
            raise ValueError("diverged")
        return experiment.folder

    async def main() -> list[Any]:
        calls: Any = [train(n) for n in range(3)]  # type: ignore[call-arg, arg-type]
        return await asyncio.gather(*calls, return_exceptions=True)

    *folders, error = asyncio.run(main())
    assert isinstance(error, ValueError)
    for number, folder in enumerate(folders):
        assert [v for *_, v in points(folder)] == [float(number)] * 3
    ends = [state(folder).outcome()[0].value for folder in root.glob("async-*")]
    assert sorted(ends) == ["completed", "completed", "failed"]


def test_a_decorated_generator_is_recorded_while_it_gives(root: Path) -> None:
    @opened(root, "steps")
    def steps(exp: Experiment, count: int) -> Iterator[int]:
        for step in range(count):
            exp.log_metric("x", float(step), step=step)
            yield step

    assert list(steps(3)) == [0, 1, 2]  # type: ignore[call-arg, arg-type]
    [folder] = root.glob("steps-*")
    assert len(points(folder)) == 3
    assert state(folder).outcome()[0] is Status.COMPLETED


END_OF_PROCESS = """
import sys
from anew import Experiment
exp = Experiment("a/b", root=sys.argv[1], console="off")
exp.run.start()
exp.log_metric("x", 1.0)
{end}
"""


@pytest.mark.parametrize(
    ("end", "status"),
    [
        ("", "completed"),
        ("raise ValueError('oh')", "failed"),
        ("raise KeyboardInterrupt", "cancelled"),
    ],
)
def test_what_a_program_leaves_open_is_ended_at_its_exit(root: Path, end: str, status: str) -> None:
    subprocess.run(
        [sys.executable, "-c", END_OF_PROCESS.format(end=end), str(root)], capture_output=True
    )
    assert state(root / "a" / "b").outcome()[0] == status


# -- identity ------------------------------------------------------------------------------------


def test_a_continued_experiment_keeps_what_it_had(root: Path) -> None:
    with opened(root, tags=["first"], params={"lr": 1}) as one:
        one.log_metric("loss", 1.0, step=0)
    with opened(root, tags=["second"], resume="allow") as two:
        assert two.params.lr == 1
        two.log_metric("loss", 0.5, step=1)
    assert one.id == two.id
    assert [(w, s, v) for w, s, _, v in points(two.folder)] == [
        ("0001-main", 0, 1.0),
        ("0002-main", 1, 0.5),
    ]
    assert state(two.folder).tags == {"first": None, "second": None}
    assert metadata(two.folder)["tags"] == {"first": None, "second": None}


def test_an_experiment_that_goes_on_is_running_again_at_once(root: Path) -> None:
    for _ in range(2):
        with opened(root, resume="allow") as exp:
            assert metadata(exp.folder)["status"] == "running"
        assert metadata(exp.folder)["status"] == "completed"


def test_coming_through_after_a_failure_completes_it(root: Path) -> None:
    with pytest.raises(RuntimeError), opened(root):
        raise RuntimeError("killed by the night")
    with opened(root, resume="allow") as exp:
        pass
    assert state(exp.folder).outcome()[0] is Status.COMPLETED
    assert metadata(exp.folder)["status"] == "completed"
    assert not (Path(exp.folder) / "FAILED.txt").exists()


def test_a_name_is_a_label_and_every_opening_is_new(root: Path) -> None:
    with opened(root, "resnet") as one, opened(root, "resnet") as two:
        assert one.id != two.id
        assert one.name == two.name == "resnet"
        assert Path(one.folder).parent == root
    with opened(root, "resnet", project="vision") as three:
        assert three.prefix.startswith("vision/resnet-")


def test_without_a_name_it_gets_a_readable_one(root: Path) -> None:
    with Experiment(root=root, console="off") as exp:
        assert len(exp.name) > 3
    assert (root / exp.prefix / "metadata.json").exists()


def test_a_deleted_metadata_file_does_not_make_another_experiment(root: Path) -> None:
    with opened(root) as one:
        pass
    (Path(one.folder) / "metadata.json").unlink()
    with opened(root, resume="must") as two:
        pass
    assert one.id == two.id


@pytest.mark.parametrize(
    "prefix",
    [
        "../out",
        "a/../../out",
        "/etc/passwd",
        "a//b",
        "a/./b",
        "a/\0b",
        "a/.hidden",
        "a/b ",
        "a\\b/c",
        "weights/x",
    ],
)
def test_a_prefix_that_leads_elsewhere_is_refused_before_anything_is_written(
    root: Path, tmp_path: Path, prefix: str
) -> None:
    with pytest.raises(InvalidName) as caught:
        opened(root, prefix).run.start()
    assert len(str(caught.value)) > 40
    assert not root.exists()
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    "name", ["..", ".", "a" * 5000, "new\nline", "tab\t", "bell\a", "right\u202eleft", "\ud800"]
)
def test_an_odd_name_is_refused_with_what_is_allowed(root: Path, name: str) -> None:
    with pytest.raises(InvalidName):
        opened(root, name).run.start()


def test_unicode_names_are_kept_in_normal_form(root: Path) -> None:
    with opened(root, "zo\u0065\u0308/größe 1/模型") as exp:
        pass
    assert exp.prefix == "zo\u00eb/größe 1/模型"
    assert (root / exp.prefix).is_dir()


def test_a_child_may_lie_inside_its_parent_but_not_in_its_record(root: Path) -> None:
    with opened(root, "a/sweep") as parent, opened(root, "a/sweep/job1", parent=parent) as child:
        pass
    assert [e.parent for _, e in events(child.folder) if isinstance(e, Linked)] == [parent.id]
    with pytest.raises(InvalidName, match="metrics"):
        opened(root, "a/sweep/metrics").run.start()


def test_a_folder_of_a_newer_format_is_refused(root: Path) -> None:
    with opened(root) as exp:
        pass
    document = Path(exp.folder) / "metadata.json"
    document.write_text(document.read_text().replace('"format": 1', '"format": 99'))
    with pytest.raises(UnknownFormat, match="99"):
        opened(root, resume="allow").run.start()


def test_the_ranks_of_one_launch_share_an_experiment_opened_by_name(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SLURM_JOB_ID", "77")
    monkeypatch.setenv("SLURM_STEP_ID", "0")
    monkeypatch.setenv("SLURM_NTASKS", "2")
    ids = []
    for rank in ("0", "1"):
        monkeypatch.setenv("SLURM_PROCID", rank)
        from anew.tracking import meaning

        meaning._opened_by_name.clear()  # each rank is a process of its own
        exp = opened(root, "ddp")
        exp.run.start()
        exp.log_metric("loss", float(rank), step=0)
        ids.append(exp)
    for exp in ids:
        exp.run.complete()
    assert ids[0].id == ids[1].id
    roles = [(e.role, e.rank) for _, e in events(ids[0].folder) if isinstance(e, Opened)]
    assert roles == [("lead", 0), ("rank", 1)]
    assert [v for *_, v in points(ids[0].folder)] == [0.0, 1.0]
    assert state(ids[0].folder).outcome()[0] is Status.COMPLETED


# -- metrics -------------------------------------------------------------------------------------


def test_a_row_without_metrics_is_nothing_even_as_the_first(root: Path) -> None:
    with opened(root) as exp:
        exp.log_metrics({}, step=0)
        exp.log_metrics({"loss": 0.5}, step=1)
        exp.log_metrics({}, step=2)
    assert len(points(exp.folder)) == 1


def test_every_point_is_kept_as_given(root: Path) -> None:
    given = [
        (5, 0.1),
        (3, 1e-320),
        (5, math.inf),
        (5, -math.inf),
        (-2, -0.0),
        (2**62, 1 / 3),
        (0, math.nan),
    ]
    with opened(root) as exp:
        for _ in range(400):  # past the change from the careful to the fast way
            for step, value in given:
                exp.log_metric("x", value, step=step)
    got = [(s, v) for _, s, _, v in points(exp.folder)]
    assert [(s, repr(v)) for s, v in got] == [(s, repr(v)) for s, v in given] * 400


def test_one_call_is_one_line(root: Path) -> None:
    with opened(root) as exp:
        exp.log_metrics({"a": 1.0, "b": 2}, step=7)
        exp.metrics("train").log(loss=0.5, epoch=1)
        exp.metrics("train").log({"loss": 0.25}, step=3)
    lines = (segment(exp.folder)).read_text().splitlines()
    assert len(lines) == 3
    assert points(exp.folder) == [
        ("0001-main", 7, "a", 1.0),
        ("0001-main", 7, "b", 2.0),
        ("0001-main", None, "train/loss", 0.5),
        ("0001-main", None, "train/epoch", 1.0),
        ("0001-main", 3, "train/loss", 0.25),
    ]


def test_set_iteration_is_the_step_of_calls_without_one(root: Path) -> None:
    with opened(root) as exp:
        for _ in range(2):
            for call in range(400):
                exp.set_iteration(call)
                exp.log_metric("a", 0.0)
                exp.log_metrics({"a": 0.0})
                exp.log_metric("b", 0.0, step=0)
            exp.set_iteration(None)
            exp.log_metric("a", 0.0)
    assert [s for _, s, n, _ in points(exp.folder) if n == "a"] == [
        *(i // 2 for i in range(800)),
        None,
    ] * 2
    assert {s for _, s, n, _ in points(exp.folder) if n == "b"} == {0}


def test_metadata_of_a_point_is_kept_beside_it(root: Path) -> None:
    with opened(root) as exp:
        exp.log_metric("loss", 0.5, step=1, metadata={"phase": "warm-up", "t": (1, 2)})
    line = (segment(exp.folder)).read_text()
    assert '"x":{"phase":"warm-up","t":[1,2]}' in line


@pytest.mark.parametrize("value", ["0.5", [1.0, 2.0], {"a": 1}, 1j, b"1"])
def test_what_is_no_number_is_refused_naming_its_key_and_nothing_of_the_call_is_kept(
    root: Path, value: Any
) -> None:
    with opened(root) as exp:
        exp.log_metrics({"fine": 1.0, "odd": 1.0}, step=0)
        for _ in range(2):
            with pytest.raises(InvalidValue, match="odd"):
                exp.log_metrics({"fine": 2.0, "odd": value}, step=1)
            with pytest.raises(InvalidValue, match="odd"):
                exp.log_metric("odd", value, step=1)
    assert [(n, v) for *_, n, v in points(exp.folder)] == [("fine", 1.0), ("odd", 1.0)]


class Unsaveable(Text):
    """A value that turns out to be unusable only when it is saved."""

    def save(self, folder: str, stem: str) -> Any:
        raise ValueError("it cannot be drawn")


@pytest.mark.parametrize("metadata", [{"k": 1}, 5])
def test_a_call_with_values_is_recorded_whole_or_not_at_all(root: Path, metadata: Any) -> None:
    row = {"loss": 0.5, "long": Text("x" * 100_000), "broken": Unsaveable("x")}
    with opened(root) as exp:
        with pytest.raises((ValueError, TypeError)):
            exp.log_metrics(row, step=1, metadata=metadata)
        assert points(exp.folder) == []
        assert [e for _, e in events(exp.folder) if isinstance(e, ValueLogged)] == []
        assert not any(Path(exp.folder, "values").glob("*"))
        exp.log_metrics({**row, "broken": Text("y")}, step=1, metadata={"k": 1})
    assert [(name, value) for _, _, name, value in points(exp.folder)] == [("loss", 0.5)]
    kept = [e for _, e in events(exp.folder) if isinstance(e, ValueLogged)]
    assert [(e.name, e.metadata["k"]) for e in kept] == [("long", 1), ("broken", 1)]


def test_a_prefix_never_makes_the_folder_around_it_look_like_an_experiment(root: Path) -> None:
    for prefix in ("journal", "a/journal", "a/Journal/b"):
        with pytest.raises(InvalidName):
            opened(root, prefix=prefix, name=None).run.start()
    with opened(root, "metrics/files"):
        pass
    with Store(root) as store:
        assert [view.prefix for view in store.list()] == ["metrics/files"]
        assert list(store.doctor()) == []


def test_files_that_could_not_be_kept_are_counted_for_readers_too(
    root: Path, tmp_path: Path
) -> None:
    (tmp_path / "made").mkdir()
    (tmp_path / "made" / "link").symlink_to("nowhere")
    with opened(root) as exp:
        exp.files().save(tmp_path / "made")
    assert exp.lost == state(exp.folder).lost == metadata(exp.folder)["lost"] == 1


def test_none_is_no_value_and_said_once_for_each_name(
    root: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    with opened(root, params={"dropout": None}, quiet=True) as exp:
        for step in range(3):
            exp.log_metrics({"loss": 1.0, "odd": None}, step=step)
            exp.log_metric("other", None, step=step)
            exp.log_value("picture", None, step=step)
        exp.log("message", nothing=None)
    assert [(s, n) for _, s, n, _ in points(exp.folder)] == [(s, "loss") for s in range(3)]
    assert state(exp.folder).params == {"dropout": None}
    assert [line.fields for line in logs(exp.folder)] == [{"nothing": None}]
    said = capfd.readouterr().err
    assert [said.count(repr(name)) for name in ("odd", "other", "picture")] == [1, 1, 1]


def test_a_mapping_given_to_log_is_logged_as_metrics(root: Path) -> None:
    with opened(root) as exp:
        exp.log({"loss": 0.5, "acc": 1}, step=3, metadata={"a": 1})
        exp.log({"loss": 0.25})
        exp.log({"loss": 0.125}, 4)  # as other trackers take it
        with pytest.raises(InvalidValue) as caught:
            exp.log({"loss": 1.0}, epoch=3)
        assert caught.value.key == "epoch"
        exp.log("a message", "warning", step=5)
    assert [(s, n, v) for _, s, n, v in points(exp.folder)] == [
        (3, "loss", 0.5),
        (3, "acc", 1.0),
        (None, "loss", 0.25),
        (4, "loss", 0.125),
    ]
    assert [(m.message, m.level, m.fields) for m in logs(exp.folder)] == [
        ("a message", "warning", {"step": 5})
    ]


def test_one_call_logs_numbers_and_values_together(root: Path) -> None:
    picture = Image(b"\x89PNG\r\n\x1a\n" + bytes(40))
    with opened(root) as exp:
        exp.log({"loss": 0.5, "sample": picture, "grid": [picture, picture]}, step=3)
        exp.log(types.MappingProxyType({"only": Text("an answer")}), 4)
    assert [(s, n, v) for _, s, n, v in points(exp.folder)] == [(3, "loss", 0.5)]
    logged = [e for _, e in events(exp.folder) if isinstance(e, ValueLogged)]
    assert [(e.name, e.kind, e.step) for e in logged] == [
        ("sample", "image", 3),
        ("grid", "image", 3),
        ("grid", "image", 3),
        ("only", "text", 4),
    ]


class _Unsaveable(Text):
    def save(self, folder: str, stem: str) -> Any:
        raise InvalidValue("It cannot be drawn.")


@pytest.mark.parametrize("bad", ["a text", object(), [Text("a"), 3], _Unsaveable("x")])
def test_a_call_with_one_value_that_cannot_be_kept_keeps_nothing(root: Path, bad: object) -> None:
    picture = Image(b"\x89PNG\r\n\x1a\n" + bytes(40))
    with opened(root) as exp:
        with pytest.raises(InvalidValue):
            exp.log({"loss": 0.5, "sample": picture, "bad": bad}, step=3)
        exp.log({"loss": 0.25}, step=4)
    assert [(s, n, v) for _, s, n, v in points(exp.folder)] == [(4, "loss", 0.25)]
    assert not [e for _, e in events(exp.folder) if isinstance(e, ValueLogged)]
    assert not list((Path(exp.folder) / "values").glob("*"))


@pytest.mark.parametrize(
    ("args", "named"),
    [((0.5,), {}), ((), {"loss": 0.5}), ((), {}), (({"loss": 1}, 3), {"step": 4})],
)
def test_what_is_neither_a_mapping_nor_a_message_is_refused(
    root: Path, args: tuple[Any, ...], named: dict[str, Any]
) -> None:
    with opened(root) as exp, pytest.raises(InvalidValue):
        exp.log(*args, **named)
    assert not logs(exp.folder)
    assert not points(exp.folder)


@pytest.mark.parametrize("status", ["completed", "failed", "cancelled"])
def test_finish_ends_it_with_a_status(root: Path, status: str) -> None:
    exp = opened(root)
    exp.run.start()
    with pytest.raises(InvalidValue):
        exp.finish("finished")
    exp.finish(status, "because")
    assert state(exp.folder).outcome() == (Status(status), "because")


def test_what_a_program_captures_for_metadata_json_is_there_when_the_call_returns(
    root: Path,
) -> None:
    with opened(root) as exp:
        exp.capture("metadata", {"git_hash": "abc"})
        assert metadata(exp.folder)["git_hash"] == "abc"


@pytest.mark.parametrize("step", ["3", 1.5, True, 2**63])
def test_a_step_that_is_no_integer_is_refused(root: Path, step: Any) -> None:
    with opened(root) as exp:
        for _ in range(400):
            exp.log_metric("x", 1.0, step=0)
        with pytest.raises(InvalidValue):
            exp.log_metric("x", 1.0, step=step)
        with pytest.raises(InvalidValue):
            exp.log_metrics({"x": 1.0}, step=step)


@pytest.mark.parametrize("name", ["", 3, None])
def test_what_is_no_metric_name_is_refused(root: Path, name: Any) -> None:
    with opened(root) as exp, pytest.raises(InvalidName):
        exp.log_metric(name, 1.0)


def test_names_out_of_data_never_end_a_training_and_a_changed_one_is_said_once(
    root: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    names = ["acc/tabby cat ", " lead", "tab\there", "\udcff", "x" * 501, "\u202eturned"]
    with opened(root, quiet=True) as exp:
        for step in range(400):
            exp.log_metrics(dict.fromkeys(names, 1.0), step=step)
    kept = {n for *_, n, _ in points(exp.folder)}
    assert len(kept) == len(names)
    assert {"acc/tabby cat ", " lead"} <= kept
    assert len(points(exp.folder)) == 400 * len(names)
    assert len(capfd.readouterr().err.splitlines()) == 4


def test_huge_integers_in_a_mapping_are_rounded_not_lost(root: Path) -> None:
    with opened(root) as exp:
        for _ in range(400):
            exp.log_metrics({"n": 10**30}, step=0)
    assert {v for *_, v in points(exp.folder)} == {1e30}


def test_ten_thousand_names(root: Path) -> None:
    with opened(root) as exp:
        for _ in range(2):
            exp.log_metrics({f"layer/{i}/norm": float(i) for i in range(10_000)}, step=0)
    assert len(points(exp.folder)) == 20_000


def test_threads_log_without_losing_or_mixing(root: Path) -> None:
    with opened(root) as exp:

        def work(name: str) -> None:
            for i in range(3000):
                exp.log_metric(name, float(i), step=i)

        threads = [threading.Thread(target=work, args=(f"thread/{n}",)) for n in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    found = points(exp.folder)
    for n in range(6):
        assert [s for _, s, name, _ in found if name == f"thread/{n}"] == list(range(3000))


def test_log_after_the_end_says_so_also_through_a_function_kept_from_before(root: Path) -> None:
    with opened(root) as exp:
        log_metric, log_metrics = exp.log_metric, exp.log_metrics
        for _ in range(400):
            log_metric("x", 1.0)
            log_metrics({"x": 1.0})
    for call in (
        lambda: exp.log_metric("x", 1.0),
        lambda: log_metric("x", 1.0),
        lambda: log_metrics({"x": 1.0}),
        lambda: exp.log("late"),
        lambda: exp.params.set(a=1),
        lambda: exp.add_tags(["a"]),
        lambda: exp.files().save(b"", "x"),
    ):
        with pytest.raises(NotRunning):
            call()
    assert len(points(exp.folder)) == 800


def test_before_the_start_the_error_names_run_start(root: Path) -> None:
    with pytest.raises(RuntimeError):
        opened(root).log_metric("x", 1.0)


def test_a_started_again_experiment_writes_to_its_new_segment_only(root: Path) -> None:
    exp = opened(root, resume="allow")
    with exp:
        for _ in range(400):
            exp.log_metric("x", 1.0)
        kept = exp.log_metric
    with exp:
        for _ in range(400):
            exp.log_metric("x", 2.0)
        kept("x", 3.0)  # the old function still means this experiment
    assert [(w, v) for w, *_, v in points(exp.folder)] == [("0001-main", 1.0)] * 400 + [
        ("0002-main", 2.0)
    ] * 400 + [("0002-main", 3.0)]


# -- everything else -----------------------------------------------------------------------------


def test_messages_keep_level_and_fields(root: Path) -> None:
    with opened(root) as exp:
        exp.log("epoch done", epoch=3)
        exp.log("odd", level="WARNING")
        with pytest.raises(InvalidValue, match="loud"):
            exp.log("x", level="loud")
    assert [(m.level, m.message, m.fields) for m in logs(exp.folder)] == [
        ("info", "epoch done", {"epoch": 3}),
        ("warning", "odd", {}),
    ]


@dataclasses.dataclass
class Config:
    lr: float = 0.1
    layers: tuple[int, ...] = (3, 4)


@pytest.mark.parametrize(
    "config",
    [{"lr": 0.1, "layers": [3, 4]}, Config(), argparse.Namespace(lr=0.1, layers=[3, 4])],
)
def test_the_configuration_is_frozen_at_the_start(root: Path, config: Any) -> None:
    with opened(root, config=config) as exp:
        assert exp.config.lr == 0.1
        with pytest.raises(ConfigFrozen):
            exp.config["lr"] = 1
        with pytest.raises(ConfigFrozen):
            exp.config.lr = 1
    assert state(exp.folder).config == {"lr": 0.1, "layers": [3, 4]}
    assert (Path(exp.folder) / "config.yaml").read_text() == "lr: 0.1\nlayers:\n- 3\n- 4\n"


def test_a_configuration_changed_behind_our_back_is_told_at_the_end(
    root: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    config = {"lr": 0.1}
    with opened(root, config=config) as exp:
        config["lr"] = 0.2
    assert state(exp.folder).config == {"lr": 0.1}
    assert "lr" in capfd.readouterr().err


def test_continuing_with_another_configuration_keeps_both(
    root: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    with opened(root, config={"opt": {"lr": 0.1}, "n": 1}) as exp:
        pass
    with opened(root, config={"opt": {"lr": 0.2}, "n": 1}, resume="allow") as again:
        assert again.config.opt.lr == 0.2
    assert (again.id, again.folder) == (exp.id, exp.folder)
    known = state(exp.folder)
    assert known.config == {"opt": {"lr": 0.1}, "n": 1}
    assert [one.config for one in known.openings()] == [None, {"opt": {"lr": 0.2}, "n": 1}]
    assert "lr: 0.1" in (Path(exp.folder) / "config.yaml").read_text()
    (own,) = Path(exp.folder, "openings").glob("*/config.yaml")
    assert "lr: 0.2" in own.read_text()
    assert "opt.lr" in capfd.readouterr().err


def test_continuing_with_another_configuration_is_refused_where_that_is_asked_for(
    root: Path,
) -> None:
    with opened(root, config={"opt": {"lr": 0.1}, "n": 1}) as exp:
        pass
    before = {path: path.read_bytes() for path in Path(exp.folder).rglob("*") if path.is_file()}
    other = opened(
        root, config={"opt": {"lr": 0.2}, "n": 1}, resume="allow", config_conflict="refuse"
    )
    with pytest.raises(ConfigFrozen) as caught:
        other.run.start()
    assert caught.value.keys == ("opt.lr",)
    assert {p: p.read_bytes() for p in Path(exp.folder).rglob("*") if p.is_file()} == before
    assert other.status is Status.PENDING
    with opened(root, config={"opt": {"lr": 0.1}, "n": 1}, resume="allow") as again:
        assert state(again.folder).outcome()[0] is Status.RUNNING


def test_values_are_kept_with_name_step_and_kind(root: Path) -> None:
    import numpy as np

    from anew import Histogram, Image, Text

    with opened(root) as exp:
        exp.log_value("sample", Image(np.zeros((4, 4, 3), np.uint8)), step=2)
        exp.log_metrics({"loss": 1.0, "weights": Histogram([1.0, 2.0, 3.0])}, step=3)
        exp.log_value("note", Text("hello"))
        with pytest.raises(InvalidValue, match="odd"):
            exp.log_value("odd", object())
    logged = [e for _, e in events(exp.folder) if isinstance(e, ValueLogged)]
    assert [(e.name, e.kind, e.step) for e in logged] == [
        ("sample", "image", 2), ("weights", "histogram", 3), ("note", "text", None),
    ]  # fmt: skip
    assert logged[0].path is not None
    assert (Path(exp.folder) / logged[0].path).is_file()
    assert points(exp.folder) == [("0001-main", 3, "loss", 1.0)]


def test_labels_can_be_changed_while_it_runs(root: Path) -> None:
    with opened(root, tags={"team": "ml"}, bindrs=["gpu-1"], description="d", notes="n") as exp:
        exp.add_tags(["good"])
        exp.remove_tags(["team"])
        exp.set_notes("better")
        exp.set_description("longer")
        assert exp.tags == {"good": None}
    got = state(exp.folder)
    assert (got.tags, got.bindrs, got.notes, got.description) == (
        {"good": None},
        ["gpu-1"],
        "better",
        "longer",
    )
    assert metadata(exp.folder)["notes"] == "better"


def test_no_secret_reaches_the_folder(root: Path) -> None:
    secret = "sk-" + "A1b2C3d4" * 5
    with opened(
        root,
        config={
            "api_key": "planted-in-config",
            "deep": {"url": "https://me:planted-in-url@host/x"},
        },
        params={"db": {"password": "planted-in-params"}},
        notes=f"uses {secret}",
        description=secret,
        tags={"token": secret},
    ) as exp:
        exp.log(f"logged in with {secret}", auth_token="planted-in-fields")
        exp.params.set(token="planted-later", max_tokens=100)
        exp.capture("remote", {"url": "https://user:planted-in-capture@host/repo"})
    everything = b"".join(p.read_bytes() for p in Path(exp.folder).rglob("*") if p.is_file())
    assert b"planted" not in everything
    assert secret.encode() not in everything
    assert state(exp.folder).params["max_tokens"] == 100


def test_weights_are_committed_while_it_runs_and_after(root: Path) -> None:
    import numpy as np

    with opened(root) as exp:
        first = exp.weights.commit({"w": np.arange(3.0)}, "one", step=1)
    second = exp.weights.commit({"w": np.arange(4.0)}, "two")
    assert [c.commit_hash for c in exp.weights.log()] == [second.commit_hash, first.commit_hash]
    assert exp.weights.load(first.commit_hash)["w"].tolist() == [0.0, 1.0, 2.0]
    assert state(exp.folder).captured["weights"]["commit"] == first.commit_hash


def test_disabled_does_nothing_and_says_nothing(
    root: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    with opened(root, mode="disabled", quiet=False, config={"lr": 1}) as exp:
        exp.log_metric("loss", 0.5, step=1)
        exp.log_metrics({"loss": 0.5})
        exp.log("hello")
        exp.params.set(a=1)
        exp.metrics("train").log(loss=1)
        exp.files("x").save(b"1", "y")
        exp.add_tags(["x"])
        exp.set_notes("x")
        exp.capture("x", {})
        exp.inputs.add("no/such/file")
        assert exp.weights.commit({}, "nothing").commit_hash == ""
        assert exp.weights.log() == []
        with pytest.raises(NotRunning, match="disabled"):
            exp.weights.load()
        assert exp.params.a == 1
        assert exp.config.lr == 1
    assert exp.status is Status.COMPLETED
    assert not root.exists()
    assert capfd.readouterr() == ("", "")


def test_an_unknown_argument_is_an_error(root: Path) -> None:
    with pytest.raises(TypeError, match="descripton"):
        Experiment("a/b", root=root, descripton="misspelled")  # type: ignore[call-arg]
    with pytest.raises(InvalidSetting, match="disabled"):
        Experiment("a/b", root=root, mode="offline")


def test_a_root_that_cannot_be_written_is_told_at_the_start(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(WriteFailed, match="ANEW_ROOT"):
        opened(tmp_path / "file").run.start()


def test_a_deleted_folder_does_not_stop_the_program_and_is_told(
    root: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    import shutil

    with opened(root) as exp:
        for i in range(500):
            exp.log_metric("x", float(i))
        shutil.rmtree(exp.folder)
        for i in range(500):
            exp.log_metric("x", float(i))
        exp.params.set(a=1)
        exp.log("hello")
        exp.files().save(b"x", "y")
    assert exp.lost >= 1000
    assert "LOST" in capfd.readouterr().err
    assert not Path(exp.folder, "journal").exists()


def test_strict_raises_when_records_cannot_be_written(root: Path) -> None:
    import shutil

    exp = opened(root, strict=True)
    exp.run.start()
    exp.log_metric("x", 1.0)
    shutil.rmtree(exp.folder)
    assert exp.life.recording is not None
    exp.life.recording.beat()
    with pytest.raises(WriteFailed):
        exp.log_metric("x", 1.0)
    with pytest.raises(WriteFailed):
        exp.params.set(a=1)


FORKING = """
import os, sys
from anew import Experiment
with Experiment("a/b", root=sys.argv[1], console="off", system_metrics=0) as exp:
    for _ in range(400):
        exp.log_metric("x", 0.0)
    pid = os.fork()
    if pid == 0:
        for _ in range(400):
            exp.log_metric("x", 1.0)
        exp.log("from the child")
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    exp.log_metric("x", 2.0)
print(pid)
"""


def test_a_forked_child_gets_a_segment_of_its_own(root: Path) -> None:
    # In a process of its own: libraries loaded by other tests have threads that no fork survives.
    command = [sys.executable, "-W", "ignore", "-c", FORKING, str(root)]
    pid = int(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    folder = root / "a" / "b"
    found = points(folder)
    parent = [v for w, *_, v in found if w == "0001-main"]
    assert parent == [0.0] * 400 + [2.0]
    assert [v for w, *_, v in found if w == f"0002-child-{pid}"] == [1.0] * 400
    assert [m.message for m in logs(folder)] == ["from the child"]
    # The child never ended its part; that says nothing about the experiment.
    assert state(folder).outcome()[0] is Status.COMPLETED
    assert [w for w, e in events(folder) if isinstance(e, Closed)] == ["0001-main"]


def test_start_and_end_say_what_where_how_and_draw_the_curves(
    root: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    with opened(root, quiet=False) as exp:
        start = capfd.readouterr().err.splitlines()
        for i in range(50):
            exp.log_metric("train/loss", 1 / (i + 1), step=i)
    assert len(start) == 3
    assert exp.prefix in start[0]
    assert exp.id[:6] in start[2]
    end = capfd.readouterr().err
    assert "completed" in end
    assert "train/loss" in end
    assert "█" in end


def test_what_is_printed_is_kept(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with Experiment("a/b", root=root, system_metrics=0) as exp:
        print("epoch 1 done")
        print("careful", file=sys.stderr)
    print("not this")
    assert (Path(exp.folder) / "logs" / "train.log").read_text() == "epoch 1 done\ncareful\n"
    assert "epoch 1 done" in capsys.readouterr().out


def test_a_small_experiment_is_at_most_twelve_files(root: Path) -> None:
    with opened(root, config={"a": 1}, params={"b": 2}, tags=["c"], console="on") as exp:
        print("hello")
        exp.log_metric("x", 1.0)
        exp.log("hello")
    assert len([p for p in Path(exp.folder).rglob("*") if p.is_file()]) <= 12


def test_what_is_given_as_a_prefix_is_one_also_without_a_slash(root: Path) -> None:
    ids = []
    for _ in range(2):
        with Experiment(prefix="solo", root=root, resume="allow") as exp:
            ids.append(exp.id)
            assert (exp.folder, exp.root) == (str(root / "solo"), str(root))
    assert ids[0] == ids[1]


def test_facts_of_the_program_itself_stand_at_the_top_of_the_metadata(root: Path) -> None:
    with Experiment("a/b", root=root) as exp:
        exp.capture("metadata", {"git_hash": "abc", "command": "mine", "experiment_id": "not mine"})
        exp.capture("cluster", {"nodes": 2})
    found = metadata(exp.folder)
    assert (found["git_hash"], found["command"], found["cluster"]) == ("abc", "mine", {"nodes": 2})
    assert found["experiment_id"] == exp.id
    assert "metadata" not in found
    assert state(exp.folder).captured["command"] != "mine"


def test_the_name_may_change_and_the_prefix_stays():
    with Experiment("alice/vision/first", console="off", system_metrics=0) as exp:
        exp.set_name("lr 0.1 / second")
        assert (exp.name, exp.prefix) == ("lr 0.1 / second", "alice/vision/first")
        with pytest.raises(InvalidName):
            exp.set_name("")
    assert state(exp.folder).name == "lr 0.1 / second"
    assert metadata(exp.folder)["name"] == "lr 0.1 / second"
    with Experiment(resume=exp.id, console="off", system_metrics=0) as again:
        assert again.name == "lr 0.1 / second"
