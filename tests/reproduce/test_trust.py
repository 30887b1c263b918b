"""What another user or machine recorded: shown and confirmed before it runs, and never allowed to lead anywhere else."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from anew import Store
from anew.errors import ReproduceError
from anew.journal import author
from anew.provenance.mark import recipe_mark
from anew.provenance.variables import changes_loading
from anew.reproduce.differences import Side, captured_differences
from anew.reproduce.plan import make_plan
from anew.reproduce.ran import ran_differences
from anew.reproduce.recipe import read_recipe
from anew.reproduce.replay import NotConfirmed
from projects import TRAIN, Project


def rewrite(project: Project, what: str, prefix: str = "lab/toy", **fields: Any) -> None:
    """Change what was recorded, as somebody who hands over a folder can: fields of the opening or of a capture."""
    for path in (project.folder(prefix) / "journal").glob("*.jsonl"):
        lines = []
        for line in path.read_text().splitlines():
            event = json.loads(line)
            if what == "opened" and event["k"] == "opened":
                event |= fields
            elif event["k"] == "captured" and event["what"] == what:
                event["data"] |= fields
            lines.append(json.dumps(event))
        path.write_text("\n".join(lines) + "\n")
    with Store(project.root) as store:
        store.rebuild()


@contextmanager
def rewritten(project: Project, what: str, **fields: Any) -> Iterator[None]:
    """Change what was recorded, for a while."""
    before = {path: path.read_bytes() for path in (project.folder() / "journal").glob("*.jsonl")}
    rewrite(project, what, **fields)
    yield
    for path, data in before.items():
        path.write_bytes(data)
    with Store(project.root) as store:
        store.rebuild()


@pytest.fixture
def theirs(project: Project) -> Project:
    """A project whose run was recorded by somebody else, elsewhere."""
    project.commit(train=TRAIN)
    project.run()
    rewrite(project, "opened", user="mallory", host="elsewhere")
    return project


def children(project: Project) -> int:
    with Store(project.root) as store:
        return len(store) - 1


def test_what_somebody_else_recorded_is_not_run_before_it_is_confirmed(theirs, monkeypatch):
    with pytest.raises(NotConfirmed):
        theirs.reproduce(monkeypatch)
    assert children(theirs) == 0
    (result,) = theirs.reproduce(monkeypatch, confirmed=True)
    assert result.judgement.verdict == "IDENTICAL"


def test_what_was_recorded_here_on_another_machine_has_to_be_confirmed_too(project, monkeypatch):
    project.commit(train=TRAIN)
    project.run()
    rewrite(project, "opened", host="elsewhere")
    with pytest.raises(NotConfirmed):
        project.reproduce(monkeypatch)


def test_a_record_that_only_says_it_is_mine_has_to_be_confirmed(project, monkeypatch):
    project.commit(train=TRAIN)
    project.run()
    for what, fields in (
        ("command", {"argv": ["sh", "-c", "id"]}),
        ("environment", {"paths": ["elsewhere"]}),
        ("variables", {"OMP_NUM_THREADS": "64"}),
        ("mark", {"recipe": "0" * 64}),
        ("mark", {"recipe": None}),
    ):
        assert plan_of(project, monkeypatch).recipe.is_own, (what, fields)
        with rewritten(project, what, **fields):
            assert not read_recipe(project.view()).is_own, (what, fields)


def test_what_i_recorded_stays_mine_where_its_folder_is_copied_to(project, monkeypatch):
    project.commit(train=TRAIN)
    project.run()
    elsewhere = project.root.with_name("restored")
    shutil.copytree(project.root / "lab", elsewhere / "lab")
    project.enter(monkeypatch)
    with Store(elsewhere) as store:
        assert read_recipe(store["lab/toy"]).is_own


def test_on_a_machine_of_another_id_nothing_is_mine(project, monkeypatch):
    project.commit(train=TRAIN)
    project.run()
    project.enter(monkeypatch)
    for machine in ("", "f" * 32):
        monkeypatch.setattr(author, "_here", author.Identity("here", machine, user="0"))
        assert not read_recipe(project.view()).is_own


def test_what_another_machine_recorded_comes_back_and_its_hashes_are_not_compared_with_ours(
    project, monkeypatch
):
    """Hashes of variables are keyed with the machine's id: those of two machines say nothing about one another."""
    project.commit(train=TRAIN)
    project.run(MY_LR="1")
    assert "MY_LR" in project.view().captured["variables_hashed"]
    rewrite(project, "opened", host="node7")
    rewrite(project, "variables_hashed", **{"": "abcdef", "MY_LR": "123456", "HOME": "654321"})
    rewrite(project, "hardware", cpu="Another processor", memory=1)
    (result,) = project.reproduce(monkeypatch, confirmed=True)
    judgement = result.judgement
    assert judgement.verdict == "IDENTICAL"
    kinds = {one.kind for one in judgement.differences}
    assert "variable" not in kinds
    assert "hardware" in kinds


def test_without_an_id_of_the_machine_a_key_that_only_the_user_can_read_says_what_is_mine(
    project, monkeypatch, tmp_path
):
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setattr(author, "machine_id", lambda: "")
    monkeypatch.setattr(author, "_here", None)
    first, other = recipe_mark({"command": {"argv": ["a"]}}), recipe_mark({"command": {}})
    assert len({first, other, ""}) == 3
    (key,) = (path for path in home.rglob("*") if path.is_file())
    assert key.stat().st_mode & 0o777 == 0o600
    assert recipe_mark({"command": {"argv": ["a"]}}) == first
    key.chmod(0o644)
    assert recipe_mark({"command": {"argv": ["a"]}}) == ""
    key.unlink()
    assert recipe_mark({"command": {"argv": ["a"]}}) not in (first, "")


def test_the_command_line_shows_it_and_refuses_where_nobody_can_be_asked(theirs):
    refused = theirs.anew("reproduce", "lab/toy")
    assert refused.returncode == 5
    assert "train.py" in refused.stderr
    assert "mallory@elsewhere" in refused.stderr
    assert children(theirs) == 0


def test_yes_and_the_setting_stand_for_an_answer(theirs):
    assert theirs.anew("reproduce", "lab/toy", "--yes").returncode == 0
    assert theirs.anew("reproduce", "lab/toy", ANEW_TRUST="mallory@else*").returncode == 0
    assert theirs.anew("reproduce", "lab/toy", ANEW_TRUST="bob@*").returncode == 5
    assert children(theirs) == 2


def test_a_projects_file_cannot_say_whom_to_trust(theirs):
    theirs.write("anew.toml", 'trust = ["*"]\n')
    assert theirs.anew("reproduce", "lab/toy").returncode == 5


def test_a_dry_run_needs_no_answer_and_runs_nothing(theirs):
    done = theirs.anew("reproduce", "lab/toy", "--dry-run", "--json")
    assert done.returncode == 0
    plan = json.loads(done.stdout)
    assert plan["recorded_by"] == "mallory@elsewhere"
    assert plan["own"] is False
    assert children(theirs) == 0


def plan_of(project: Project, monkeypatch: pytest.MonkeyPatch, **options: Any) -> Any:
    project.enter(monkeypatch)
    with Store(project.root) as store:
        return make_plan(store, store.get("lab/toy"), **options)


def test_variables_that_decide_what_is_loaded_are_shown_and_set_only_when_asked_for(
    project, monkeypatch
):
    project.commit(train=TRAIN)
    project.run(
        ANEW_CAPTURE_VARIABLES="LD_*,MY_*,PYTHONSTARTUP",
        MY_FLAG="1",
        OMP_NUM_THREADS="1",
        LD_PRELOAD="/tmp/evil.so",
        PYTHONSTARTUP="/tmp/evil.py",
    )
    plan = plan_of(project, monkeypatch)
    assert plan.variables.items() >= {"MY_FLAG": "1", "OMP_NUM_THREADS": "1"}.items()
    assert {"LD_PRELOAD", "PYTHONSTARTUP"} <= set(plan.withheld)
    assert any("/tmp/evil.so" in line for line in plan.lines())
    asked = plan_of(project, monkeypatch, variables=["LD_PRELOAD"])
    assert asked.variables["LD_PRELOAD"] == "/tmp/evil.so"
    with pytest.raises(ReproduceError):
        plan_of(project, monkeypatch, variables=["NEVER_RECORDED"])


def test_of_somebody_else_only_the_usual_variables_are_set(theirs, monkeypatch):
    rewrite(theirs, "variables", OMP_NUM_THREADS="3", MY_FLAG="1", **{"not a name": "x"})
    plan = plan_of(theirs, monkeypatch)
    assert plan.variables["OMP_NUM_THREADS"] == "3"
    assert "MY_FLAG" in plan.withheld
    assert "not a name" not in {*plan.variables, *plan.withheld}


def test_the_script_for_machines_without_anew_sets_no_such_variable(project):
    project.commit(train=TRAIN)
    project.run(ANEW_CAPTURE_VARIABLES="LD_*,MY_*", MY_FLAG="1", LD_BIND_NOW="1")
    script = (project.folder() / "reproduce.sh").read_text()
    assert "export MY_FLAG=1" in script
    assert "export LD_BIND_NOW" not in script


@pytest.mark.parametrize(
    ("name", "decides"),
    [
        ("LD_PRELOAD", True), ("DYLD_INSERT_LIBRARIES", True), ("PYTHONPATH", True), ("PYTHONSTARTUP", True),
        ("PYTHONWARNINGS", True), ("PYTHONBREAKPOINT", True), ("GIT_SSH_COMMAND", True), ("BASH_ENV", True),
        ("PATH", True), ("NODE_OPTIONS", True), ("CUDA_INJECTION64_PATH", True), ("NCCL_NET_PLUGIN", True),
        ("OMP_TOOL_LIBRARIES", True), ("TRITON_CACHE_DIR", True), ("TORCH_EXTENSIONS_DIR", True), ("https_proxy", True),
        ("PYTHONHASHSEED", False), ("OMP_NUM_THREADS", False), ("CUBLAS_WORKSPACE_CONFIG", False),
        ("CUDA_LAUNCH_BLOCKING", False), ("TOKENIZERS_PARALLELISM", False), ("NCCL_ALGO", False), ("TZ", False),
    ],
)  # fmt: skip
def test_which_variables_decide_what_is_loaded(name, decides):
    assert changes_loading(name) is decides


def test_a_repository_that_somebody_elses_record_names_is_not_used(theirs, monkeypatch, tmp_path):
    other = Project(tmp_path / "evil")
    rewrite(theirs, "git", root=str(other.path), commit=other.commit(x="x"))
    with pytest.raises(ReproduceError):
        plan_of(theirs, monkeypatch)


def test_an_interpreter_that_somebody_elses_record_names_is_not_run(theirs, monkeypatch, tmp_path):
    program, ran = tmp_path / "python3.1", tmp_path / "ran"
    program.write_text(f"#!/bin/sh\ntouch {ran}\n")
    program.chmod(0o755)
    rewrite(theirs, "environment", executable=str(program), python="3.1.0")
    with pytest.raises(ReproduceError):
        plan_of(theirs, monkeypatch, kind="venv")
    assert not ran.exists()


def test_a_record_that_names_something_else_is_refused(project, monkeypatch):
    project.commit(train=TRAIN)
    project.run()
    for what, fields in (
        ("git", {"commit": "--upload-pack=touch /tmp/x"}),
        ("git", {"commit": ["a" * 40]}),
        ("git", {"submodules": {"../outside": "a" * 40}}),
        ("git", {"submodules": {"/outside": "a" * 40}}),
        ("git", {"submodules": {"a/.git": "a" * 40}}),
        ("git", {"submodules": {"inside": "--output=x"}}),
        ("git", {"submodules": ["x"]}),
        ("command", {"argv": [1, 2]}),
        ("command", {"argv": {"a": 1}}),
        ("command", {"argv": "python train.py"}),
    ):
        assert plan_of(project, monkeypatch).recipe.is_own, (what, fields)
        with rewritten(project, what, **fields), pytest.raises(ReproduceError):
            plan_of(project, monkeypatch)


def test_a_number_that_is_none_counts_as_the_first(project, monkeypatch):
    project.commit(train=TRAIN)
    project.run()
    for nth in ("1", -1, 10**30, None, [1]):
        with rewritten(project, "command", nth=nth):
            assert plan_of(project, monkeypatch).recipe.nth == 0, nth


def test_folders_to_import_from_stay_in_the_checkout(project, monkeypatch, tmp_path):
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "sitecustomize.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')\n")
    project.commit(train=TRAIN)
    project.run()
    rewrite(project, "environment", paths=[str(outside), "../outside", "."])
    project.reproduce(monkeypatch, confirmed=True, repo=str(project.path))
    assert not (Path(tmp_path) / "ran").exists()


def test_a_folder_that_a_record_names_makes_git_run_nothing(project, tmp_path):
    """Its configuration can name programs, and a recorded commit could be an option of git."""
    first = project.commit(train=TRAIN)
    second = project.commit(train=TRAIN + "# more\n")
    ran, wrote = tmp_path / "ran", tmp_path / "wrote"
    for key in ("core.fsmonitor", "diff.external", "core.pager", "core.sshCommand"):
        project.git("config", key, f"touch {ran}")
    project.git("config", "extensions.partialClone", "evil")
    project.git("config", "remote.evil.url", f"ext::touch {ran}")
    project.git("config", "protocol.ext.allow", "always")
    root = str(project.path)

    def told(a, b):
        sides = [Side({"git": {"commit": commit, "root": root}}) for commit in (a, b)]
        found = [
            *captured_differences(*sides),
            *ran_differences(
                Side({**sides[0].captured, "ran": {"modules": {"x.py": "1"}}}), sides[1]
            ),
        ]
        return [one.files for one in found if one.what == "commit"]

    assert told(first, second) == [("train.py",)]
    assert told(first, "0" * 40) == [()]  # a partial clone would fetch it
    assert told("0" * 40, first) == [()]
    assert told(first, f"--output={wrote}") == told(f"--output={wrote}", first) == [()]
    assert not ran.exists()
    assert not wrote.exists()


def test_the_recorded_interpreter_is_used_while_it_exists(project, monkeypatch, tmp_path):
    project.commit(train=TRAIN)
    project.call(
        sys.executable, "-m", "venv", "--without-pip", "--system-site-packages", str(tmp_path / "v")
    )
    python = tmp_path / "v/bin/python"
    (tmp_path / "v/lib").joinpath(
        f"python3.{sys.version_info[1]}", "site-packages", "a.pth"
    ).write_text("\n".join(path for path in sys.path if path))
    project.call(str(python), "train.py")
    project.enter(monkeypatch)
    with Store(project.root) as store:
        plan = make_plan(store, store.get("lab/toy"))
        assert plan.python.program == str(python)
        python.unlink()
        assert make_plan(store, store.get("lab/toy")).python.program == sys.executable
