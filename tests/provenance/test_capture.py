"""What is recorded of a run without being asked, and that no secret ever is."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from anew import Experiment
from anew.provenance.environment import find_packages, requirements_text
from anew.provenance.patch import new_file_patch, sections, without_secrets
from anew.provenance.repository import find_repository
from anew.provenance.variables import chosen_variables
from anew.record.secrets import mask_source
from projects import TRAIN, Project


def test_a_run_has_its_code_command_environment_hardware_and_seed_on_record(project):
    commit = project.commit(train=TRAIN)
    project.git("remote", "add", "origin", "https://example.org/lab/toy.git")
    project.run("train.py", "--lr", "0.5", OMP_NUM_THREADS="1")
    captured = project.view().captured
    assert captured["git"]["commit"] == commit
    assert captured["git"]["branch"] == "main"
    assert captured["git"]["dirty"] is False
    assert captured["git"]["remote"] == "https://example.org/lab/toy.git"
    assert captured["command"]["argv"][1:] == ["train.py", "--lr", "0.5"]
    assert captured["command"]["cwd"] == str(project.path)
    assert captured["command"]["entry"] == str(project.path / "train.py")
    assert captured["environment"]["python"] == sys.version.split()[0]
    assert captured["environment"]["frameworks"]["numpy"]
    assert captured["hardware"]["cores"] == os.cpu_count()
    assert captured["hardware"]["memory"] > 1e8
    assert captured["seeds"]["seed"] == 7
    assert captured["variables"]["OMP_NUM_THREADS"] == "1"
    folder = project.folder()
    requirements = (folder / "environment/requirements.txt").read_text()
    assert "numpy==" in requirements
    assert requirements.startswith(f"# Python {sys.version.split()[0]}\n")
    assert json.loads((folder / "environment/hardware.json").read_text())["cores"] == os.cpu_count()
    assert os.access(folder / "reproduce.sh", os.X_OK)
    assert json.loads((folder / "metadata.json").read_text())["git"]["commit"] == commit


def test_a_dirty_tree_is_warned_of_at_the_start_and_a_clean_one_is_not(project):
    project.commit(train=TRAIN)
    assert "uncommitted" not in project.run()
    project.write("new.py", "")
    said = project.run()
    assert f"warning: 1 uncommitted change in {project.path} (new.py)" in said
    assert "environment/git.patch" in said
    project.run(ANEW_QUIET="1")


def test_what_programs_leave_behind_is_kept_and_nothing_to_warn_of(project):
    project.commit(train=TRAIN)
    for left in ("model.pt", "results.csv", "outputs/2026-01-01/config.yaml"):
        project.write(left, "left by an earlier run")
    project.write("weights/format.json", '{"format": "anew-weights", "version": 1}')
    project.write("weights/packs/one.pack", "bytes")
    assert "uncommitted" not in project.run()
    assert project.view().captured["git"]["outputs_count"] == 3
    project.write("config.yaml", "lr: 1")
    said = project.run("train.py", "again")
    assert f"1 uncommitted change in {project.path} (config.yaml)" in said
    assert "model.pt" in project.view().captured["git"]["outputs"]


def test_every_opening_keeps_its_own_recipe_and_the_experiment_has_the_first(project):
    project.commit(train=TRAIN)
    extra = project.write("new.py", "")
    project.run()
    script = (project.folder() / "reproduce.sh").read_bytes()
    extra.unlink()
    project.run("train.py", "again", ANEW_RESUME="allow")
    assert (project.folder() / "environment/git.patch").exists()
    assert (project.folder() / "reproduce.sh").read_bytes() == script
    view = project.view()
    first, second = view.openings
    assert view.captured["git"]["patch"] == first.captured["git"]["patch"]
    assert "patch" not in second.captured["git"]
    assert (first.command[-1], second.command[-1]) == ("train.py", "again")
    assert first.folder == ""
    assert not (project.folder() / second.folder / "environment/git.patch").exists()
    assert (project.folder() / second.folder / "reproduce.sh").read_bytes() != script


def test_git_that_is_missing_or_broken_fails_nothing(project):
    project.commit(train=TRAIN)
    project.run(PATH=str(project.path))
    captured = project.view().captured
    assert "git is not installed" in captured["problems"]["code"]
    assert captured["git"]["commit"] == project.git("rev-parse", "HEAD"), "read from the files"
    assert project.view().status == "completed"


def test_a_linked_worktree_and_a_detached_head_are_fine(project, tmp_path):
    commit = project.commit(train=TRAIN)
    linked = tmp_path / "linked"
    project.git("worktree", "add", "--quiet", "--detach", str(linked))
    project.path = linked
    project.run()
    git = project.view().captured["git"]
    assert (git["commit"], git["branch"], git["root"]) == (commit, None, str(linked))


@pytest.mark.parametrize("packed", [False, True])
def test_the_commit_is_read_from_the_files_alone(project, packed):
    commit = project.commit(train=TRAIN)
    if packed:
        project.git("pack-refs", "--all")
    repository = find_repository(str(project.path / "deep" / "down"))
    assert repository is not None
    assert repository.head() == (commit, "main")


def test_a_repository_without_a_commit_is_kept_as_a_patch_on_nothing(project, monkeypatch):
    project.write("train.py", TRAIN)
    project.run()
    git = project.view().captured["git"]
    assert git["commit"] is None
    assert [
        path for path, _ in sections((project.folder() / "environment/git.patch").read_bytes())
    ] == ["train.py"]
    (result,) = project.reproduce(monkeypatch)
    assert result.judgement.verdict == "IDENTICAL"


def test_what_is_too_large_is_left_out_and_listed(project):
    project.commit(train=TRAIN)
    project.write("large.bin", os.urandom((1 << 20) + 1))
    project.write("small.bin", os.urandom(100))
    project.run()
    git = project.view().captured["git"]
    assert list(git["left_out"]) == ["large.bin"]
    assert "more than 1048576" in git["left_out"]["large.bin"]
    patch = (project.folder() / "environment/git.patch").read_bytes()
    assert [path for path, _ in sections(patch)] == ["small.bin"]


def test_a_store_inside_the_repository_is_no_code(project):
    project.commit(train=TRAIN)
    project.environ["ANEW_ROOT"] = str(project.path / "experiments")
    project.root = project.path / "experiments"
    project.run()
    project.run()
    assert project.view().captured["git"]["dirty"] is False


@pytest.mark.parametrize("where", [".", "..", "runs"])
def test_records_of_any_store_in_the_tree_are_no_code_and_the_rest_is(project, where):
    project.commit(train=TRAIN)
    root = project.path if where == "." else project.path / where
    prefix = f"{project.path.name}/a/toy" if where == ".." else "a/toy"
    project.write("train2.py", TRAIN.replace("lab/toy", prefix))
    project.commit()
    project.root = root.resolve()
    project.environ["ANEW_ROOT"] = str(root)
    for _ in range(2):
        project.run("train2.py")
    assert project.view(prefix).captured["git"]["dirty"] is False
    # An earlier store of the same tree is none of its code either; code beside it is.
    project.environ["ANEW_ROOT"] = str(project.path / "other")
    project.root = project.path / "other"
    project.run("train2.py")
    assert project.view(prefix).captured["git"]["dirty"] is False
    project.write("journal/0001.py", "")
    project.write("metadata.json", "{}")
    project.run("train2.py")
    git = project.view(prefix).captured["git"]
    assert git["changed"] == ["journal/0001.py", "metadata.json"]


@pytest.mark.skipif(os.getuid() != 0, reason="only root can give a folder to another user")
def test_code_that_belongs_to_another_user_is_of_an_unknown_state_and_not_clean(project):
    commit = project.commit(train=TRAIN)
    project.write("new.py", "")
    for path in (project.path, *project.path.rglob("*")):
        os.lchown(path, 12345, 12345)
    said = project.run()
    captured = project.view().captured
    assert captured["git"]["commit"] == commit
    assert "dirty" not in captured["git"]
    assert "safe.directory" in captured["problems"]["code"]
    assert "safe.directory" in said
    assert project.view().git.get("dirty") is None
    assert "unknown" in project.anew("show", "lab/toy").stdout
    script = (project.folder() / "reproduce.sh").read_text()
    assert 'if [ "yes" = yes ]; then\n  say "warning: it is unknown' in script


def test_names_of_every_kind_come_back(project, monkeypatch):
    names = [
        "with space.txt", "ünïcödé.txt", "new\nline.txt", 'quo"te.txt', "-dash.txt", ":colon", "a*b.txt",
    ]  # fmt: skip
    project.commit(
        train="import os\nfrom pathlib import Path\nfrom anew import Experiment\n"
        f"with Experiment('lab/toy', system_metrics=0) as exp:\n    for at, name in enumerate({names!r}):\n"
        "        exp.log_metric(f'x{at}', float(Path(name).read_text()))\n"
    )
    for at, name in enumerate(names):
        project.write(name, str(4.5 + at))
    project.run()
    for name in names:
        (project.path / name).unlink()
    (result,) = project.reproduce(monkeypatch)
    assert result.judgement.verdict == "IDENTICAL"
    last = {one.metric: one.last_b for one in result.judgement.metrics}
    assert last == {f"x{at}": 4.5 + at for at in range(len(names))}


def test_a_change_that_no_time_shows_is_seen(project):
    """Same size, same times: git knows it by the time of its index, which our copy of the index must keep."""
    project.git("config", "core.trustctime", "false")
    path, index = project.write("lib.py", "VALUE = 1\n"), project.path / ".git/index"
    then = path.stat().st_mtime_ns - 100 * 10**9
    os.utime(path, ns=(then, then))
    project.commit(train=TRAIN)
    project.write("lib.py", "VALUE = 2\n")
    for each in (path, index):
        os.utime(each, ns=(then, then))
    project.write("new.py", "")
    project.run()
    assert b"+VALUE = 2" in (project.folder() / "environment/git.patch").read_bytes()


def test_the_configuration_of_git_does_not_change_the_patch(project, monkeypatch):
    project.commit(train=TRAIN)
    for key, value in {
        "diff.noprefix": "true", "diff.mnemonicPrefix": "true", "color.ui": "always", "diff.renames": "copies",
        "core.quotepath": "true", "diff.external": "false", "diff.context": "0", "core.autocrlf": "input",
        "status.showUntrackedFiles": "no", "diff.submodule": "log", "diff.interHunkContext": "9",
    }.items():  # fmt: skip
        project.git("config", key, value)
    project.write("train.py", TRAIN.replace("0.9", "0.8"))
    project.write("new file.txt", "new\r\n")
    project.run()
    project.write("train.py", TRAIN)
    (project.path / "new file.txt").unlink()
    (result,) = project.reproduce(monkeypatch)
    assert result.judgement.verdict == "IDENTICAL"


# -- secrets ---------------------------------------------------------------------------------------

PLANTED = {
    "variable": "planted-variable-4711",
    "argument": "planted-argument-4711",
    "config": "planted-config-4711",
    "remote": "planted-remote-4711",
    "source": "planted-source-4711",
    "dotenv": "planted-dotenv-4711",
    "yaml": "planted-yaml-4711",
    "github": "ghp_" + "a1B2" * 9,
    "index": "planted-index-4711",
}


def test_planted_secrets_are_nowhere_in_the_folder(project, tmp_path):
    site = tmp_path / "site"
    (site / "private-1.0.dist-info").mkdir(parents=True)
    (site / "private-1.0.dist-info/direct_url.json").write_text(
        json.dumps(
            {
                "url": f"https://bob:{PLANTED['index']}@example.org/p.git",
                "vcs_info": {"vcs": "git", "commit_id": "abc"},
            }
        )
    )
    project.commit(
        train=TRAIN.replace(
            'config={"lr": 0.5}', f'config={{"lr": 0.5, "api_key": "{PLANTED["config"]}"}}'
        ).replace(PLANTED["config"], "FROM_ENV")
    )
    program = TRAIN.replace(
        'config={"lr": 0.5}', 'config={"lr": 0.5, "db": {"password": os.environ["DB"]}}'
    )
    program = (
        "import os\n" + program + f'API_KEY = "{PLANTED["source"]}"\nurl = "{PLANTED["github"]}"\n'
    )
    project.write("train.py", program)
    project.write(".env", f"TOKEN={PLANTED['dotenv']}\n")
    project.write("conf/service.yaml", f"service:\n  secret_key: {PLANTED['yaml']}\n  port: 80\n")
    project.git("remote", "add", "origin", f"https://bob:{PLANTED['remote']}@example.org/lab.git")
    project.run(
        "train.py", "--password", PLANTED["argument"], f"--api-key={PLANTED['argument']}",
        CUDA_API_TOKEN=PLANTED["variable"], DB=PLANTED["config"], PYTHONPATH=str(site),
        ANEW_CAPTURE_VARIABLES="MY_*", MY_SECRET=PLANTED["variable"], MY_NAME="shown",
    )  # fmt: skip
    captured = project.view().captured
    assert captured["variables"]["MY_NAME"] == "shown"
    assert captured["variables"]["MY_SECRET"] == "***"
    assert captured["git"]["remote"] == "https://bob:***@example.org/lab.git"
    assert captured["git"]["left_out"][".env"]
    assert sorted(captured["git"]["masked"]) == ["conf/service.yaml", "train.py"]
    files = [path for path in project.root.rglob("*") if path.is_file()]
    assert len(files) > 8
    for path in files:
        data = path.read_bytes()
        for where, secret in PLANTED.items():
            assert secret.encode() not in data, f"the secret in {where} is in {path}"


def test_a_masked_patch_still_applies(project):
    project.commit(train=TRAIN)
    project.write("train.py", TRAIN + 'password = "correct horse"\n')
    project.run()
    project.git("checkout", "--quiet", "train.py")
    patch = project.folder() / "environment/git.patch"
    assert b'+password = "***"' in patch.read_bytes()
    project.git("apply", "--check", str(patch))


def test_a_secret_on_a_line_that_the_patch_needs_leaves_the_file_out(project):
    project.commit(train='password = "correct horse"\n' + TRAIN)
    project.write("train.py", TRAIN)
    project.write("other.txt", "x")
    project.run()
    assert project.view().captured["git"]["left_out"] == {
        "train.py": "it seems to contain a secret"
    }
    assert b"horse" not in (project.folder() / "environment/git.patch").read_bytes()


@pytest.mark.parametrize(
    "line",
    ['token = tokenizer("hello world")', 'eos_token = "</s></s>"', "password = os.environ['PW_VARIABLE']",
     'key = "a plain dictionary key"', 'author = "somebody known"', 'API_KEY = "${FROM_ENV}"'],
)  # fmt: skip
def test_ordinary_code_is_not_masked(line):
    assert mask_source(line, code=True) == line


def test_a_patch_without_secrets_is_left_as_it_is_byte_for_byte():
    _patch, _ = new_file_patch(
        str(Path(__file__).parent), [Path(__file__).parent.name + "/../__init__.py"], 1 << 20
    )
    data = b"diff --git a/x b/x\nnew file mode 100644\n--- /dev/null\n+++ b/x\n@@ -0,0 +1 @@\n+\xff\xfe odd \x80\n"
    assert without_secrets(data) == (data, {}, [])


def test_only_variables_that_matter_are_recorded():
    environ = {
        "OMP_NUM_THREADS": "4",
        "HOME": "/x",
        "SHELL": "sh",
        "CUDA_VISIBLE_DEVICES": "0",
        "MY": "1",
        "NCCL_TOKEN": "abcdef",
    }
    assert chosen_variables(environ) == {
        "CUDA_VISIBLE_DEVICES": "0",
        "NCCL_TOKEN": "***",
        "OMP_NUM_THREADS": "4",
    }
    assert chosen_variables(environ, ["M*"])["MY"] == "1"


# -- packages --------------------------------------------------------------------------------------


def test_packages_of_every_origin_are_told_apart(tmp_path):
    def dist(name: str, record: dict | None = None) -> None:
        folder = tmp_path / f"{name}.dist-info"
        folder.mkdir()
        if record is not None:
            (folder / "direct_url.json").write_text(json.dumps(record))

    dist("plain_package-1.0")
    dist("inside-0.1", {"url": f"file://{tmp_path}/repo/lib%20x", "dir_info": {"editable": True}})
    dist("outside-0.2", {"url": "file:///elsewhere", "dir_info": {"editable": True}})
    dist(
        "fromgit-3.0",
        {
            "url": "https://example.org/x.git",
            "vcs_info": {"vcs": "git", "commit_id": "abc"},
            "subdirectory": "py",
        },
    )
    dist("mine-0.3", {"url": "file:///elsewhere/my%20lib", "dir_info": {}})
    (tmp_path / "mine-0.3.dist-info/RECORD").write_text("mine.py,sha256=1,2\nmine.pyc,,\n")
    dist("wheel-2.0", {"url": "file:///w/wheel-2.0.whl", "archive_info": {}})
    (tmp_path / "old-1.5-py3.11.egg-info").write_text("")
    (tmp_path / "~broken-1.0.dist-info").mkdir()
    dist("damaged-1.0")
    (tmp_path / "damaged-1.0.dist-info/direct_url.json").write_text("{")
    text = requirements_text(
        find_packages([str(tmp_path), "/no/such/folder"]), "3.11.7", str(tmp_path / "repo")
    )
    assert text.splitlines() == [
        "# Python 3.11.7",
        "damaged==1.0",
        "fromgit @ git+https://example.org/x.git@abc#subdirectory=py  # fromgit==3.0, from version control",
        "-e ./lib x  # inside==0.1, editable, part of the repository",
        "mine @ file:///elsewhere/my%20lib  # mine==0.3, from a folder, content "
        + hashlib.sha256(b"mine.py,sha256=1,2").hexdigest()[:16],
        "old==1.5",
        "-e /elsewhere  # outside==0.2, editable, outside the repository",
        "plain-package==1.0",
        "wheel==2.0  # wheel==2.0, installed from /w/wheel-2.0.whl",
    ]


def test_the_packages_are_those_that_pip_lists():
    listed = subprocess.run(
        [sys.executable, "-m", "pip", "list", "--format=json", "--disable-pip-version-check"], capture_output=True, check=True
    )  # fmt: skip
    import re

    pip = {
        re.sub(r"[-_.]+", "-", p["name"]).lower(): p["version"] for p in json.loads(listed.stdout)
    }
    ours = {p.name: p.version for p in find_packages(sys.path)}
    assert {name: ours.get(name) for name in pip} == pip


# -- shared, cheap, off ----------------------------------------------------------------------------


def test_identical_captures_are_stored_once(project, monkeypatch):
    project.commit(train=TRAIN)
    project.write("new.py", "x = 1\n" * 1000)
    project.write(
        "many.py",
        "from anew import Experiment\nfor i in range(20):\n"
        "    with Experiment(f'lab/many/{i}', system_metrics=0) as exp:\n        exp.log_metric('x', i)\n",
    )
    project.run("many.py")
    names = (
        "environment/requirements.txt",
        "environment/git.patch",
        "environment/hardware.json",
        "reproduce.sh",
    )
    for name in names:
        inodes = {(project.folder(f"lab/many/{i}") / name).stat().st_ino for i in range(20)}
        assert len(inodes) == 1, name
    own = [
        sum(p.stat().st_size for p in project.folder(f"lab/many/{i}").rglob("*") if p.is_file() and p.stat().st_nlink == 1)
        for i in range(20)
    ]  # fmt: skip
    assert max(own) < 20_000
    assert len([p for p in project.folder("lab/many/7").rglob("*") if p.is_file()]) <= 12


def test_a_file_system_without_hard_links_gets_copies(tmp_path, monkeypatch):
    from anew.journal.layout import RootLayout
    from anew.provenance.shared import place

    monkeypatch.setattr(os, "link", lambda *a: (_ for _ in ()).throw(OSError(95, "not supported")))
    target = tmp_path / "lab/environment/x"
    target.parent.mkdir(parents=True)
    for data in (b"one", b"two"):
        place(RootLayout(str(tmp_path)), str(target), data)
        assert target.read_bytes() == data
    assert [p.name for p in target.parent.iterdir()] == ["x"]


def test_capture_can_be_switched_off_and_keeps_the_command_and_the_commit(project):
    commit = project.commit(train=TRAIN)
    project.write("new.py", "")
    project.run(ANEW_CAPTURE="off")
    captured = project.view().captured
    assert captured["git"] == {"commit": commit, "branch": "main", "root": str(project.path)}
    assert captured["command"]["argv"][1:] == ["train.py"]
    assert not (project.folder() / "environment").exists()


def test_the_current_state_is_captured_when_the_code_changes_between_experiments_of_a_process(
    project, monkeypatch
):
    project.commit(train=TRAIN)
    monkeypatch.chdir(project.path)
    import __main__

    monkeypatch.setattr(__main__, "__file__", str(project.path / "train.py"), raising=False)

    def commit_of(name: str) -> str:
        with Experiment(
            name, root=project.root, quiet=True, console="off", system_metrics=0
        ) as exp:
            exp.log_metric("x", 1)
        return project.view(name).captured["git"]["commit"]

    first = commit_of("lab/a")
    second = project.commit(other="")
    assert commit_of("lab/b") == second != first


def test_a_forked_child_goes_on_while_the_parent_captures(project):
    project.commit(
        train="import os\nfrom anew import Experiment\n"
        "with Experiment('lab/toy', system_metrics=0) as exp:\n"
        "    import time; time.sleep(0.2)\n"
        "    for i in range(10):\n"
        "        pid = os.fork()\n"
        "        if pid == 0:\n            exp.log_metric('child', i); os._exit(0)\n"
        "        os.waitpid(pid, 0)\n"
    )
    project.run()
    assert project.view().metrics["child"].count == 10
    assert "patch" not in project.view().captured["git"]
    assert project.view().captured["environment"]["packages"] > 5


def test_a_project_outside_git_keeps_the_code_that_was_loaded(tmp_path):
    project = Project(tmp_path / "loose", git=False)
    project.write("helper.py", "X = 1\n")
    project.write("unused.py", "X = 1\n")
    project.write("train.py", "import helper\n" + TRAIN)
    project.run()
    git = project.view().captured["git"]
    assert git["repository"] is False
    patch = (project.folder() / "environment/git.patch").read_bytes()
    assert [path for path, _ in sections(patch)] == ["helper.py", "train.py"]
