"""What ran, and where: modules and files outside the commit, places of their own, processes, ends, and what is proven."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time

import pytest

from anew.provenance.ran import ImportTimes, what_ran
from anew.provenance.variables import hashed_variables, starting_variables
from anew.record.status import Status
from anew.reproduce.differences import Side
from anew.reproduce.ran import from_the_original, ran_differences
from anew.reproduce.verdict import Verdict
from projects import TRAIN

READS = TRAIN.replace("    x = 1.0\n", "    x = float(open(PATH).read())\n")


def causes(judgement):
    return [(one.kind, one.what) for one in judgement.differences if one.weight == "likely"]


# -- what was loaded and read ------------------------------------------------------------------------


def test_a_file_that_git_ignores_is_named_where_only_the_original_had_it(project, monkeypatch):
    program = (
        "import os\nPATH = 'local.txt' if os.path.exists('local.txt') else 'given.txt'\n" + READS
    )
    project.write(".gitignore", "local.txt\n")
    project.write("given.txt", "1.0")
    project.write("local.txt", "2.0")
    project.commit(train=program)
    project.run()
    assert "local.txt" in project.view().captured["ran"]["read"]
    (result,) = project.reproduce(monkeypatch)
    assert result.judgement.verdict is Verdict.DIVERGED
    assert causes(result.judgement) == [("data", "local.txt")]


def test_data_outside_the_repository_that_changed_is_named_though_nobody_declared_it(
    project, monkeypatch
):
    data = project.path.parent / "data.txt"
    data.write_text("1.0")
    project.commit(train=f"PATH = {str(data)!r}\n" + READS)
    project.run()
    data.write_text("2.0")
    (result,) = project.reproduce(monkeypatch)
    assert causes(result.judgement) == [("data", str(data))]


def test_a_module_outside_the_repository_that_changed_is_named(project, monkeypatch):
    library = project.path.parent / "lib"
    library.mkdir()
    (library / "mylib.py").write_text("START = 1.0\n")
    project.commit(
        train=f"import sys; sys.path.insert(0, {str(library)!r})\nimport mylib\n"
        + TRAIN.replace("x = 1.0", "x = mylib.START")
    )
    project.run()
    (library / "mylib.py").write_text("START = 2.0\n")
    (result,) = project.reproduce(monkeypatch)
    assert causes(result.judgement) == [("code", str(library / "mylib.py"))]


def test_code_from_the_originals_folder_proves_nothing(project, monkeypatch):
    """As an import finder of an editable install takes it: the checkout has no such module."""
    project.write(".gitignore", "local.py\n")
    project.write("local.py", "START = 1.0\n")
    project.commit(
        train=f"import sys; sys.path.append({str(project.path)!r})\nimport local\n"
        + TRAIN.replace("x = 1.0", "x = local.START")
    )
    project.run()
    (result,) = project.reproduce(monkeypatch)
    assert result.judgement.metrics[0].verdict is Verdict.IDENTICAL
    assert result.judgement.verdict is Verdict.NOT_COMPARABLE
    assert result.judgement.exit_code == 2


def test_a_module_that_was_changed_after_it_was_imported_is_named(project, monkeypatch):
    project.write("helper.py", "START = 1.0\n")
    program = "import helper\n" + TRAIN.replace("x = 1.0", "x = helper.START").replace(
        "with Experiment", "import pathlib\nwith Experiment"
    ).replace(
        "    begun =", "    pathlib.Path('helper.py').write_text('START = 30.0\\n')\n    begun ="
    )
    project.commit(train=program)
    said = project.run()
    assert "helper.py" in said
    assert project.view().captured["ran"]["changed"] == ["helper.py"]
    (result,) = project.reproduce(monkeypatch)
    assert ("code", "helper.py") in causes(result.judgement)


def test_files_are_remembered_within_bounds(tmp_path):
    script = f"""
import json, os, sys
os.chdir({str(tmp_path)!r})
os.mkdir("many")
for n in range(4200):
    open(f"many/{{n}}", "w").close()
open("kept", "w").write("1")
from anew import Experiment
from anew.provenance.ran import ImportTimes, what_ran
for n in range(4200):
    open(f"many/{{n}}").close()
open("kept").read(); os.close(os.open("kept", os.O_RDONLY)); open("out", "w").close(); open("out").close()
json.dump(what_ran(None, "/nowhere", ImportTimes()), sys.stdout)
"""
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    facts = json.loads(done.stdout)
    assert str(tmp_path / "many") in facts["read_folders"]
    assert facts["read"][str(tmp_path / "kept")][0] == 1
    assert str(tmp_path / "out") not in facts["read"]  # it was written first
    assert len(facts["read"]) <= 500


def test_a_database_is_data_unless_the_program_writes_to_it(tmp_path):
    script = f"""
import json, sqlite3, sys
def change(name):
    one = sqlite3.connect(name); one.execute("create table t (v)"); one.commit(); one.close()
change({str(tmp_path / "read.db")!r}); change({str(tmp_path / "written.db")!r})
from anew import Experiment
from anew.provenance.ran import ImportTimes, what_ran
for name in ("read.db", "written.db"):
    one = sqlite3.connect({str(tmp_path)!r} + "/" + name); one.execute("select * from t").fetchall()
    if name == "written.db":
        one.execute("create table u (v)"); one.commit()
    one.close()
sqlite3.connect(":memory:").close(); sqlite3.connect({str(tmp_path / "new.db")!r}).close()
json.dump(what_ran(None, "/nowhere", ImportTimes()), sys.stdout)
"""
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert list(json.loads(done.stdout)["read"]) == [str(tmp_path / "read.db")]


def test_the_packages_that_were_loaded_are_known_by_their_modules():
    loaded = what_ran(None, "/nowhere", ImportTimes())["packages"]
    assert {"pytest", "numpy"} <= {*loaded}
    assert not {"os", "anew", "test_what_ran"} & {*loaded}
    assert loaded == sorted(loaded)


def test_what_ran_names_neither_packages_nor_the_interpreter():
    facts = what_ran(None, "/nowhere", ImportTimes())
    assert not [path for path in facts["modules"] if "site-packages" in path]
    assert not [path for path in facts["modules"] if path == os.__file__]
    assert os.path.abspath(__file__) in facts["modules"]


def test_what_differs_of_what_ran():
    a = Side({
        "git": {"root": "/old"},
        "ran": {"modules": {"t.py": "1", "/lib/x.py": "1", "u.py": None}, "read": {"/d/a": [1, 1.0, "x"], "/d/b": [9, 1.0, None], "in.csv": [3, 1.0, "s"]}},
    })  # fmt: skip
    b = Side({
        "git": {"root": "/old"},
        "ran": {"modules": {"t.py": "1", "/lib/x.py": "2", "/old/u.py": "3"}, "read": {"/d/a": [1, 2.0, "x"], "/d/b": [10, 1.0, None]}},
    })  # fmt: skip
    found = {(one.kind, one.what): one.weight for one in ran_differences(a, b)}
    assert found[("code", "/lib/x.py")] == "likely"
    assert found[("code", "/old/u.py")] == "likely"
    assert found[("data", "/d/b")] == "likely"
    assert found[("data", "in.csv")] == "possible"
    assert found[("data", "/d/a")] == "unlikely"
    assert ("code", "t.py") not in found
    assert from_the_original(a, b) == ["/old/u.py"]
    assert list(ran_differences(a, Side({}))) == []
    assert list(ran_differences(Side({"ran": {"modules": 3, "read": [1]}}), Side({"ran": 7}))) == []


# -- variables ---------------------------------------------------------------------------------------


def test_a_variable_that_no_list_has_is_named_without_its_value(project, monkeypatch):
    project.commit(
        train="import os\n" + TRAIN.replace("x = 1.0", "x = float(os.environ.get('MY_LR', 1))")
    )
    project.run(MY_LR="31415")
    (result,) = project.reproduce(monkeypatch)
    assert ("variable", "MY_LR") in [(one.kind, one.what) for one in result.judgement.differences]
    for path in project.root.rglob("*"):
        if path.is_file():
            assert b"31415" not in path.read_bytes()


def test_hashes_say_that_a_value_is_another_and_nothing_else():
    one, other = hashed_variables({"MY": "1", "TERM": "x"}), hashed_variables({"MY": "2"})
    assert one[""] == other[""]
    assert one["MY"] != other["MY"]
    assert one["MY"] == hashed_variables({"MY": "1"})["MY"]
    assert "TERM" not in one
    assert "OMP_NUM_THREADS" not in hashed_variables({"OMP_NUM_THREADS": "1"})  # recorded as it is


def test_variables_are_those_that_the_program_was_started_with(project, monkeypatch):
    project.environ.pop("PYTHONHASHSEED", None)  # which a test before may have seeded
    project.commit(train=TRAIN)
    project.run()
    captured = project.view().captured
    assert "PYTHONHASHSEED" not in captured["variables"]
    assert (
        captured["variables_set"]["PYTHONHASHSEED"] == "7"
    )  # by seed_everything, for its children
    assert "PYTHONHASHSEED" not in (project.folder() / "reproduce.sh").read_text()
    project.run(PYTHONHASHSEED="3")
    assert project.view().captured["variables"]["PYTHONHASHSEED"] == "3"
    monkeypatch.setenv("PYTHONHASHSEED", "12")
    assert starting_variables().get("PYTHONHASHSEED") != "12"


# -- places ------------------------------------------------------------------------------------------


def test_started_outside_its_repository_it_runs_the_checkout_and_leaves_the_outputs_alone(
    project, monkeypatch
):
    elsewhere = project.path.parent / "runs"
    elsewhere.mkdir()
    project.commit(train=TRAIN + "open('model.txt', 'w').write(__file__)\n")
    project.call(sys.executable, f"../{project.path.name}/train.py", cwd=elsewhere)
    project.write("train.py", TRAIN.replace("x = 1.0", "x = 2.0"))  # the working tree moves on
    (elsewhere / "model.txt").write_text("mine")
    (result,) = project.reproduce(monkeypatch)
    assert result.judgement.verdict is Verdict.IDENTICAL
    assert (elsewhere / "model.txt").read_text() == "mine"


def test_a_declared_input_is_copied_and_taken_from_the_commit_where_that_has_it(
    project, monkeypatch
):
    program = "PATH = 'a.txt'\n" + READS.replace(
        "    x = float", "    exp.inputs.add('a.txt')\n    exp.inputs.add('data')\n    x = float"
    )
    program += "open('data/x', 'w').write('overwritten')\n"
    project.write("a.txt", "1.0")
    project.write(".gitignore", "data\n")
    project.write("data/x", "1")
    project.commit(train=program)
    project.run()
    (project.path / "data/x").write_text("1")
    (project.path / "a.txt").unlink()  # the working tree has moved on
    (result,) = project.reproduce(monkeypatch)
    assert result.judgement.verdict is Verdict.IDENTICAL
    assert (project.path / "data/x").read_text() == "1"
    (project.path / "data/x").unlink()
    (project.path / "data").rmdir()
    moved = project.path.parent / "moved"
    moved.mkdir()
    (moved / "x").write_text("1")
    (name,) = [name for name in project.view().captured["inputs"] if "data" in name]
    (result,) = project.reproduce(monkeypatch, given={name: str(moved)})
    assert result.judgement.verdict is Verdict.IDENTICAL
    assert (moved / "x").read_text() == "1"


def test_what_one_re_run_leaves_is_not_there_for_the_next(project, monkeypatch):
    project.write(".gitignore", "last\n")
    project.commit(
        train="import os\n"
        + TRAIN.replace("range(20)", "range(19 * os.path.exists('last'), 20)")
        + "open('last', 'w').close()\n"
    )
    project.run()
    os.unlink(project.path / "last")
    results = project.reproduce(monkeypatch, times=2)
    assert [r.judgement.verdict for r in results] == [Verdict.IDENTICAL] * 2


def test_an_amended_commit_is_kept_from_being_collected(project, monkeypatch):
    project.commit(train=TRAIN)
    project.run(ANEW_KEEP_COMMITS="on")
    project.write("train.py", TRAIN + "# other\n")
    project.git("commit", "--quiet", "--all", "--amend", "--message", "other")
    project.git("reflog", "expire", "--expire=now", "--all")
    project.git("gc", "--quiet", "--prune=now")
    (result,) = project.reproduce(monkeypatch)
    assert result.judgement.verdict is Verdict.IDENTICAL


def test_commits_are_not_kept_where_that_is_switched_off(project):
    project.commit(train=TRAIN)
    project.run(ANEW_KEEP_COMMITS="off")
    assert project.git("for-each-ref", "refs/anew") == ""


# -- ends --------------------------------------------------------------------------------------------


def test_a_re_run_that_crashes_after_its_last_point_is_not_identical(project, monkeypatch):
    project.write(".gitignore", "eval.npz\n")
    project.write("eval.npz", "x")
    project.commit(train=TRAIN + "open('eval.npz').read()\n")
    project.run()
    (result,) = project.reproduce(monkeypatch)
    assert result.judgement.metrics[0].verdict is Verdict.IDENTICAL
    assert result.judgement.verdict is Verdict.DIVERGED
    assert "FileNotFoundError" in result.judgement.reason


def test_an_original_that_was_killed_is_compared_as_far_as_it_went(project, monkeypatch):
    program = (
        "import os\n"
        + TRAIN
        + "        if step == 11 and os.environ.get('KILL'): os.kill(os.getpid(), 9)\n"
    )
    project.commit(train=program)
    project.call(sys.executable, "train.py", check=False, KILL="1")
    view = project.view()
    assert (view.status, view.cut_short) == (Status.FAILED, True)
    (result,) = project.reproduce(monkeypatch)
    assert result.judgement.verdict is Verdict.IDENTICAL
    assert result.judgement.metrics[0].points_a == 12


@pytest.mark.slow
def test_a_time_limit_ends_the_re_run_and_all_that_it_started(project, monkeypatch):
    program = (
        "import os, subprocess, sys, time\n" + TRAIN + "if 'anew-' in os.getcwd():\n"
        "    child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(300)'], start_new_session=True)\n"
        "    open(PID, 'w').write(str(child.pid))\n"
        "    time.sleep(300)\n"
    )
    pid = project.path.parent / "pid"
    project.commit(train=f"PID = {str(pid)!r}\n" + program)
    project.run()
    for seconds in (6.0, 60.0):
        (result,) = project.reproduce(monkeypatch, timeout=seconds)
        if pid.exists() and pid.read_text():
            break  # else it was over before the program could start the other
    assert result.judgement.verdict is Verdict.DIVERGED
    assert result.ended.timed_out
    assert project.view(result.prefix).status is Status.FAILED
    for _ in range(600):
        if not os.path.exists(f"/proc/{pid.read_text()}"):
            break
        time.sleep(0.1)
    else:
        pytest.fail("a process that the re-run started outlives it")


def test_what_left_the_session_and_its_environment_is_ended_too(project, monkeypatch):
    pid = project.path.parent / "pid"
    program = TRAIN + (
        "import os, subprocess, sys\n"
        "if 'anew-' in os.getcwd():\n"
        f"    subprocess.run(['env', '-i', 'setsid', '--fork', 'sh', '-c', 'echo $$ > {pid}; exec sleep 300'])\n"
    )
    project.commit(train=program)
    project.run()
    (result,) = project.reproduce(monkeypatch)
    assert result.judgement.verdict is Verdict.IDENTICAL
    for _ in range(100):
        if pid.exists() and pid.read_text().strip():
            break
        time.sleep(0.05)
    else:
        return  # it was ended before it could say its number
    assert not os.path.exists(f"/proc/{pid.read_text().strip()}")


# -- several processes -------------------------------------------------------------------------------


def test_points_of_ranks_are_matched_by_rank_whoever_opened_first(project, monkeypatch):
    program = TRAIN.replace(
        "seed_everything(7)", "seed_everything(int(os.environ['RANK']))"
    ).replace(
        "import time\n", "import os, time\ntime.sleep(random.SystemRandom().random() * 0.3)\n"
    )
    project.commit(train=program)
    launch = "for r in 0 1; do RANK=$r WORLD_SIZE=2 ANEW_LAUNCH=$L python train.py & done; wait\n"
    project.write("launch.sh", "L=$RANDOM\n" + launch)
    project.git("add", "--all")
    project.git("commit", "--quiet", "-m", "launch")
    project.anew("run", "-q", "--prefix", "lab/toy", "--", "bash", "launch.sh", check=True)
    results = project.reproduce(monkeypatch, times=2)
    assert [r.judgement.verdict for r in results] == [Verdict.IDENTICAL] * 2
    assert results[0].judgement.metrics[0].points_a == 40


@pytest.mark.parametrize("method", ["spawn", "fork"])
def test_an_experiment_of_a_worker_is_run_again_by_its_program(project, monkeypatch, method):
    work = TRAIN.replace('"lab/toy"', 'f"lab/{name}"').replace("x = 1.0", "x = 1.0 + len(name)")
    body = "".join(f"    {line}\n" for line in work.splitlines())
    project.write("work.py", f"def work(name):\n{body}")
    project.commit(
        train="from work import work\nimport multiprocessing\n"
        f"if __name__ == '__main__':\n    with multiprocessing.get_context({method!r}).Pool(2) as pool:\n"
        "        pool.map(work, ['one', 'three'])\n"
    )
    project.run()
    assert project.view("lab/three").captured["command"]["argv"][1:] == ["train.py"]
    (result,) = project.reproduce(monkeypatch, "lab/three")
    assert result.judgement.verdict is Verdict.IDENTICAL


# -- outputs -----------------------------------------------------------------------------------------

SAVES = """\
from anew import Experiment, seed_everything
import random
seed_everything(7)
with Experiment("lab/toy", system_metrics=0) as exp:
    open("a.txt", "w").write(str(random.random()))
    open("b.txt", "w").write(str(random.SystemRandom().random()) if NOISE else "b")
    exp.files("models").save("a.txt")
    exp.files("text").save("b.txt")
"""


@pytest.mark.parametrize(
    ("noise", "verdict"), [(False, Verdict.IDENTICAL), (True, Verdict.DIVERGED)]
)
def test_without_metrics_the_files_are_the_result(project, monkeypatch, noise, verdict):
    project.commit(train=f"NOISE = {noise}\n{SAVES}")
    project.run()
    (result,) = project.reproduce(monkeypatch)
    assert result.judgement.verdict is verdict
    assert {row.name: row.same for row in result.judgement.outputs} == {
        "models/a.txt": True,
        "text/b.txt": not noise,
    }
