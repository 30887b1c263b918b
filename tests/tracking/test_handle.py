"""An experiment that is copied and pickled, by itself and inside of what holds it."""

from __future__ import annotations

import copy
import io
import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from anew import Experiment, Status
from anew.errors import NotRunning, WriteFailed
from anew.record.events import Closed
from later import later

from .reading import events, logs, points, state

torch = later("torch")
modules = later("tests.tracking.modules")


def opened(root: Path, name: str = "a/b", **options: Any) -> Experiment:
    return Experiment(name, root=root, console="off", system_metrics=0, **options)


def again(thing: Any) -> Any:
    """What it is when it has been pickled and read back in this process."""
    return unpickled(pickle.dumps(thing))


def unpickled(data: bytes) -> Any:
    return pickle.loads(data)  # noqa: S301  (our own bytes)


def test_a_copy_records_into_the_same_experiment(root: Path) -> None:
    with opened(root, params={"lr": 1}) as exp:
        for made in (copy.copy(exp), copy.deepcopy(exp), again(exp)):
            assert made is exp
        model = copy.deepcopy(modules.Model(exp))
        assert model.exp is exp
        model.group.log(loss=0.5, step=1)
        model.params_of.set(momentum=2)
        model.saver.save(b"weights", name="w.bin")
        file = io.BytesIO()
        torch.save(modules.Model(exp), file)
        file.seek(0)
        assert torch.load(file, weights_only=False).exp is exp
        assert again(exp.run) is exp.run
    assert points(exp.folder) == [("0001-main", 1, "train/loss", 0.5)]
    assert state(exp.folder).params == {"lr": 1, "momentum": 2}


WORKER = """
import pickle, sys
exp = pickle.load(open(sys.argv[1], "rb"))
assert exp.name == "b" and exp.folder and str(exp.status) == "running", exp
import anew
assert anew.current() is exp
for i in range(400): exp.log_metric("worker", float(i), step=i)
exp.log("from the worker")
exp.params.set(seen=exp.params["lr"])
{end}
"""


@pytest.mark.parametrize("end", ["", "import os; os._exit(3)", "raise ValueError('worker')"])
def test_in_another_process_it_joins_as_a_child_whose_end_says_nothing(
    root: Path, tmp_path: Path, end: str
) -> None:
    with opened(root, params={"lr": 0.5}) as exp:
        (tmp_path / "exp.pkl").write_bytes(pickle.dumps(exp))
        command = [sys.executable, "-c", WORKER.format(end=end), str(tmp_path / "exp.pkl")]
        done = subprocess.run(command, capture_output=True, text=True, timeout=200)
        assert (done.returncode == 0) == (not end), done.stderr
        assert str(state(exp.folder).outcome()[0]) == "running"
        exp.log_metric("main", 1.0)
    found = points(exp.folder)
    assert [v for *_, name, v in found if name == "worker"] == list(range(400))
    assert {w for w, *_ in found} > {"0001-main"}
    assert [m.message for m in logs(exp.folder)] == ["from the worker"]
    got = state(exp.folder)
    assert got.outcome() == (Status.COMPLETED, None)
    assert got.params == {"lr": 0.5, "seen": 0.5}
    ends = [w for w, event in events(exp.folder) if isinstance(event, Closed)]
    assert "0001-main" in ends
    assert len(ends) == (1 if "_exit" in end else 2)


def test_unpickling_alone_writes_nothing(root: Path, tmp_path: Path) -> None:
    with opened(root) as exp:
        (tmp_path / "exp.pkl").write_bytes(pickle.dumps(exp))
        program = "import pickle, sys; pickle.load(open(sys.argv[1], 'rb'))"
        command = [sys.executable, "-c", program, str(tmp_path / "exp.pkl")]
        subprocess.run(command, check=True, timeout=200)
        assert len(list(Path(exp.folder, "journal").iterdir())) == 1


def test_one_that_has_ended_says_so_and_still_tells_what_it_was(root: Path) -> None:
    with opened(root) as exp:
        running = pickle.dumps(exp)
    ended = pickle.dumps(exp)
    for made in (unpickled(running), unpickled(ended)):
        assert (made.id, made.prefix, made.folder) == (exp.id, exp.prefix, exp.folder)
        with pytest.raises(NotRunning):
            made.log_metric("x", 1.0)
    assert unpickled(ended).status is Status.COMPLETED
    assert len(list(Path(exp.folder, "journal").iterdir())) == 1


def test_one_whose_folder_is_not_here_says_so(root: Path) -> None:
    with opened(root) as exp:
        data = pickle.dumps(exp)
    made = unpickled(data)
    Path(exp.folder).rename(root / "elsewhere")
    with pytest.raises((NotRunning, WriteFailed)):
        made.log_metric("x", 1.0)
    assert not Path(exp.folder).exists()


def test_one_that_has_not_started_is_made_again(root: Path) -> None:
    exp = opened(root, tags=["t"], config={"lr": 1})
    made = again(exp)
    assert made is not exp
    assert made.status is Status.PENDING
    with made:
        assert dict(made.tags) == {"t": None}
        assert made.config["lr"] == 1
    assert copy.deepcopy(exp) is exp
