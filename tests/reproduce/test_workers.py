"""What worker processes, and code that is not Python's, read is known as well."""

from __future__ import annotations

import os
import sys

import pytest

from anew.monitor.reads import Reads
from anew.monitor.sampled import child_processes, mapped, open_for_reading

WORK = """\
import time

def work(path):
    import late
    with open(path) as file:
        return len(file.read()) + late.VALUE
"""
POOL = """\
import multiprocessing, sys
from anew import Experiment
from work import work

if __name__ == "__main__":
    with Experiment("lab/toy", system_metrics=0) as exp:
        with multiprocessing.get_context(METHOD).Pool(2) as pool:
            found = pool.map(work, [f"data/{n}.txt" for n in range(6)])
        exp.log_metric("sum", sum(found))
"""
LOKY = """\
from anew import Experiment
from joblib import Parallel, delayed
from work import work

with Experiment("lab/toy", system_metrics=0) as exp:
    found = Parallel(n_jobs=2)(delayed(work)(f"data/{n}.txt") for n in range(6))
    exp.log_metric("sum", sum(found))
"""


@pytest.fixture
def files(project):
    project.write(".gitignore", "data\n")
    for number in range(6):
        project.write(f"data/{number}.txt", "x" * number)
    project.write("late.py", "VALUE = 1\n")
    project.write("work.py", WORK)
    return project


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_the_workers_of_a_pool_tell_what_they_read_though_they_are_killed(files, method):
    files.commit(train=f"METHOD = {method!r}\n{POOL}")
    before = set(os.listdir(files.temporary))
    files.run()
    ran = files.view().captured["ran"]
    assert {f"data/{n}.txt" for n in range(6)} <= ran["read"].keys()
    assert ran["modules"]["late.py"]
    assert ran["workers"] >= 1
    assert set(os.listdir(files.temporary)) == before


def test_the_workers_of_joblib_do(files):
    files.write("work.py", "import anew\nanew.Experiment\n" + WORK)
    files.commit(train=LOKY)
    files.run()
    ran = files.view().captured["ran"]
    assert {f"data/{n}.txt" for n in range(6)} <= ran["read"].keys()
    assert ran["modules"]["late.py"]


def test_a_file_that_native_code_has_open_is_seen_and_its_package_named(project):
    pytest.importorskip("h5py")
    project.write(".gitignore", "*.h5\n")
    program = """\
import h5py, os, time
from anew import Experiment
from anew.monitor.reads import reads
with h5py.File("made.h5", "w") as file:
    file["x"] = [1.0, 2.0]
with Experiment("lab/toy", system_metrics=0) as exp:
    with h5py.File("made.h5", "r") as file:
        exp.log_metric("x", float(file["x"][1]))
        until = time.monotonic() + 300
        while os.path.abspath("made.h5") not in reads().files and time.monotonic() < until:
            time.sleep(0.05)  # a training has it open for longer
"""
    project.commit(train=program)
    project.run()
    ran = project.view().captured["ran"]
    assert "made.h5" in ran["read"]
    assert "h5py" in ran["not_covered"]


def test_folders_stand_for_files_that_are_too_many_and_memory_stays_bounded():
    seen = Reads()
    seen.add("/code/x.py", 5)
    for folder in range(2000):
        for number in range(40):
            seen.add(f"/data/{folder % 20}/{folder}/{number}")
    assert len(seen.files) <= 4096
    assert len(seen.folders) <= 1024
    assert seen.files["/code/x.py"] == 5
    assert any(folder.startswith("/data/") for folder in seen.folders)


def test_what_is_open_and_mapped_is_listed_of_this_process_and_its_children(tmp_path):
    import mmap
    import subprocess

    path = tmp_path / "data"
    path.write_bytes(b"x" * 5000)
    with open(path, "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ):
        assert str(path) in set(open_for_reading())
        assert str(path) in set(mapped())
    assert str(path) not in set(open_for_reading())
    script = f"import sys; f = open({str(path)!r}); print('open', flush=True); sys.stdin.read()"
    with subprocess.Popen(
        [sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as child:
        assert child.stdout is not None
        child.stdout.readline()
        assert child.pid in child_processes()
        assert str(path) in set(open_for_reading(child.pid))
        child.stdin.close()


def test_nothing_is_left_open_at_the_end_of_a_program_or_a_worker(files):
    files.commit(train=f"METHOD = 'fork'\n{POOL}")
    done = files.call(sys.executable, "-W", "error", "-X", "dev", "train.py")
    assert "Warning" not in done.stderr
