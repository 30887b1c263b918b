"""What W&B's service has comes whole, asked as W&B's own client asks; the service is a double, since the real one cannot be had in tests."""

from __future__ import annotations

import inspect
import io
import json
import os
import re
import signal
import subprocess
import sys
import time
import wave
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import pytest

from anew import Store
from anew.errors import InvalidValue, NotAllowed, NotFound
from anew.importing.importer import Imported, bring_in
from anew.importing.web import Web
from anew.trackers.importers import kind_of, open_source
from anew.trackers.wandb.importer import queries
from anew.trackers.wandb.importer.service import Service
from later import later
from tests.trackers.holding import contents, same

from .service import KEY, Project, serving

wandb = later("wandb")
pytestmark = pytest.mark.skipif(find_spec("wandb") is None, reason="W&B is not installed")

# Waits for nobody, so that the test does not.
WATCH = """
import anew.cli.importing as cli, anew.importing.web as web
from anew.cli.main import main

cli._EVERY = 0.1
web.Web.__init__.__kwdefaults__["attempts"] = 1
main()
"""
VALUES = [0.5, 1e-300, "NaN", -0.0, 5e-324, "Infinity", "-Infinity", 1.5]


def _picture() -> bytes:
    data = io.BytesIO()
    PIL.Image.fromarray(np.zeros((4, 4, 3), np.uint8)).save(data, "PNG")
    return data.getvalue()


def _sound() -> bytes:
    data = io.BytesIO()
    with wave.open(data, "wb") as sound:
        sound.setnchannels(1), sound.setsampwidth(2), sound.setframerate(8000)
        sound.writeframes(b"\0" * 160)
    return data.getvalue()


@pytest.fixture(scope="module")
def project() -> Project:
    """A project with more of everything than a page has, and a history with a gap of millions of steps."""
    project = Project()
    history: list[dict[str, Any]] = [
        {"_step": step, "_timestamp": 1.7e9 + step / 8, "_runtime": step, "loss": VALUES[step % 8], "deep": {"er": step}}
        for step in range(2_500)
    ]  # fmt: skip
    history.append({"_step": 5_000_000, "_timestamp": 1.7e9 + 9999, "loss": 0.25, "said": "hello"})
    media = {"_type": "image-file", "path": "media/images/p.png", "caption": "black"}
    sound = {"_type": "audio-file", "path": "media/audio/s.wav"}
    rows = {"_type": "table-file", "path": "media/table/t.table.json"}
    bins = {"_type": "histogram", "bins": [0, 1, 2], "values": [1, 2]}
    history.append({"_step": 5_000_001, "_timestamp": 1.7e9 + 10_000, "pic": media, "snd": sound, "rows": rows, "h": bins})  # fmt: skip
    events = [
        {"_timestamp": 1.7e9 + at, "_runtime": at, "system.cpu": at / 7, "_wandb": True}
        for at in range(30)
    ]
    files = {f"code/{at}.py": f"print({at})".encode() for at in range(20)}
    files |= {
        "media/images/p.png": _picture(), "media/audio/s.wav": _sound(), "media/table/t.table.json": b'{"columns": ["a"], "data": [[1]]}',
        "output.log": b"first line\nbar 1\rbar 2\nlast", "wandb-summary.json": b"{}", "config.yaml": b"", "what ü?&.txt": b"odd",
        "wandb-metadata.json": json.dumps({"host": "gpu7", "program": "train.py", "args": ["--lr", "1"], "python": "3.11.1", "git": {"commit": "a" * 40, "remote": "git@x:y"}}).encode(),
    }  # fmt: skip
    artifact = {
        "id": "art1", "artifactSequence": {"name": "data"}, "versionIndex": 0, "artifactType": {"name": "dataset"}, "description": None,
        "metadata": '{"rows": 3}', "tags": [{"name": "t"}], "aliases": [{"alias": "latest"}], "digest": "d", "files": {f"deep/{at}.txt": b"x" * at for at in range(12)},
    }  # fmt: skip
    project.add(
        "abc", displayName="my run ü", config='{"lr": {"value": 0.1, "desc": null}, "deep": {"value": {"n": [1]}}, "_wandb": {"value": {}}}',
        tags=["a", "b"], notes="a note", group="g", jobType="train", sweepName="s1", summaryMetrics='{"loss": 0.25, "best": 1}', history=history, events=events,
        files=files, artifacts=[artifact], used=[{**artifact, "id": "art2", "files": {}}],
    )  # fmt: skip
    for at, state in enumerate(["crashed", "killed", "running", "preempted", *["finished"] * 10]):
        project.add(f"r{at}", state=state, history=[{"_step": 0, "_timestamp": 1.7e9, "x": at}])
    return project


@pytest.fixture
def url(project: Project, monkeypatch: pytest.MonkeyPatch) -> Any:
    project.asked.clear()
    project.busy_every = project.refused = 0
    with serving(project) as url:
        monkeypatch.setenv("WANDB_BASE_URL", url)
        monkeypatch.setenv("WANDB_API_KEY", KEY)
        yield url


def brought(where: str, root: Path) -> Imported:
    source = open_source(where)
    try:
        return bring_in(source, str(root))
    finally:
        source.close()


def test_all_of_a_project_comes_and_comes_once(project, url, tmp_path):
    where = f"{url}/lab/vision%20%C3%BC"
    assert kind_of(where) == kind_of("wandb://lab/vision ü") == "wandb"
    found = brought(where, tmp_path / "root")
    assert found.is_whole, found
    assert len(found.runs) == 15
    assert {name for name in project.given if "deep/" in name or "code/" in name}
    project.given.clear()
    again = brought("wandb://lab/vision ü", tmp_path / "root")
    # What has the checksum that the service names is not asked for again.
    assert not [name for name in project.given if "deep/" in name or "code/" in name]
    assert ({run.state for run in again.runs}, again.is_whole) == ({"same"}, True)
    assert not project.unsigned  # the key goes to the service alone
    assert KEY.encode() not in b"".join(data or b"" for data in contents(tmp_path).values())
    with Store(tmp_path / "root") as store:
        view = store["vision ü/my run ü"]
        assert view.params == {"lr": 0.1, "deep": {"n": [1]}}
        assert (dict(view.tags), view.notes) == ({"a": None, "b": None}, "a note")
        loss = view.metrics["loss"].read(order="written")
        history = [row for row in project.runs["abc"]["history"] if "loss" in row]
        assert loss.steps.tolist() == [row["_step"] for row in history]
        assert loss.times.tolist() == [row["_timestamp"] for row in history]
        assert same(loss.values.tolist(), [float(row["loss"]) for row in history])
        assert view.metrics["deep.er"].count == 2_500
        assert view.metrics["system/cpu"].count == 30
        values = sorted((one.name, one.kind, one.step) for one in view.values())
        assert values == [
            ("h", "histogram", 5_000_001), ("pic", "image", 5_000_001), ("rows", "table", 5_000_001), ("said", "text", 5_000_000), ("snd", "audio", 5_000_001),
        ]  # fmt: skip
        files = {f"{one.prefix}/{one.name}": Path(one.path).read_bytes() for one in view.files}
        told = {f"wandb/code/{at}.py": f"print({at})".encode() for at in range(20)}
        told |= {f"artifacts/data/deep/{at}.txt": b"x" * at for at in range(12)}
        assert files == {**told, "wandb/what ü?&.txt": b"odd"}
        assert view.console().splitlines() == ["first line", "bar 2", "last"]
        kept = view.captured["imported"]["kept"]
        assert (kept["group"], kept["sweep"], kept["summary"]["best"]) == ("g", "s1", 1)
        assert kept["artifacts"][0]["metadata"] == {"rows": 3}
        assert kept["used"][0]["aliases"] == ["latest"]
        assert view.captured["git"]["commit"] == "a" * 40
        assert view.captured["command"]["argv"] == ["train.py", "--lr", "1"]
        states = {one.name: str(one.status) for one in store.list()}
        assert [states[f"r{at}"] for at in (0, 1, 3, 4)] == ["failed", "cancelled", "cancelled", "completed"]  # fmt: skip


def test_one_run_and_what_it_logs_later(project, url, tmp_path):
    where = f"{url}/lab/vision%20%C3%BC/runs/r2"
    assert [run.state for run in brought(where, tmp_path / "root").runs] == ["new"]
    history = [*project.runs["r2"]["history"], {"_step": 1, "_timestamp": 1.7e9 + 1, "x": 9}]
    project.add("r2", state="finished", history=history)
    found = brought(where, tmp_path / "root")
    assert ([run.state for run in found.runs], found.is_whole) == (["grown"], True)
    with Store(tmp_path / "root") as store:
        assert [(view.metrics["x"].count, str(view.status)) for view in store.list()] == [(2, "completed")]  # fmt: skip


def test_a_file_that_has_other_bytes_is_fetched_again(project, url, tmp_path):
    where = f"{url}/lab/vision%20%C3%BC/runs/r9"
    for data in (b"one", b"two"):
        project.add("r9", history=project.runs["r9"]["history"], files={"notes.txt": data})
        assert brought(where, tmp_path / "root").is_whole
        with Store(tmp_path / "root") as store:
            (view,) = store.list()
            assert data in {Path(one.path).read_bytes() for one in view.files}


def until(condition: Callable[[], bool], seconds: float = 300.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


@pytest.mark.slow
def test_following_goes_on_when_the_service_is_back_and_ends_with_ctrl_c(project, tmp_path):
    def history(count: int) -> list[dict[str, Any]]:
        return [{"_step": at, "_timestamp": 1.7e9 + at, "x": at} for at in range(count)]

    def here() -> int:
        try:
            with Store(tmp_path / "root") as store:
                return sum(view.metrics["x"].count for view in store.list())
        except (OSError, LookupError):
            return 0

    project.add("r0", state="running", history=history(3))
    with serving(project) as url:
        around = {**os.environ, "WANDB_BASE_URL": url, "WANDB_API_KEY": KEY, "ANEW_ROOT": str(tmp_path / "root"), "ANEW_KEEP_COMMITS": "off"}  # fmt: skip
        where = f"{url}/lab/vision%20%C3%BC/runs/r0"
        with (tmp_path / "told").open("wb") as told_to:
            watching = subprocess.Popen(
                [sys.executable, "-c", WATCH, "import", where, "--watch"], env=around, stdout=subprocess.DEVNULL, stderr=told_to
            )  # fmt: skip
        try:
            until(lambda: here() == 3)
        except BaseException:
            watching.kill()
            raise
    try:
        until(lambda: "Waiting" in (tmp_path / "told").read_text())
        project.add("r0", history=history(5))
        with serving(project, int(url.rpartition(":")[2])):
            until(lambda: here() == 5)
            watching.send_signal(signal.SIGINT)
            code = watching.wait(300)
    finally:
        watching.kill()
        watching.wait()
    told = (tmp_path / "told").read_text()
    assert (code, told.count("Waiting")) == (0, 1), told


def test_a_service_that_is_busy_is_asked_again_as_late_as_it_asks_for(project, url, tmp_path, monkeypatch):  # fmt: skip
    waited: list[float] = []
    monkeypatch.setattr(Web.__init__, "__kwdefaults__", {"attempts": 7, "pause": waited.append})
    project.busy_every = 3
    assert brought(f"{url}/lab/vision%20%C3%BC", tmp_path / "root").is_whole
    assert len(waited) == project.refused > 10
    assert min(waited) >= 3


def test_one_run_that_the_service_lost_keeps_no_other_from_coming(project, url, tmp_path, monkeypatch):  # fmt: skip
    asked = Service._files

    def files(self: Service, key: str) -> Any:
        if key.endswith("/r6"):
            raise NotFound("The run r6 is no longer there.", name="r6")
        return asked(self, key)

    monkeypatch.setattr(Service, "_files", files)
    found = brought(f"{url}/lab/vision%20%C3%BC", tmp_path / "root")
    assert ([one.where for one in found.findings if one.lost], len(found.runs)) == (["run r6"], 14)


def test_rows_that_the_service_does_not_give_are_said(project, url, tmp_path):
    project.runs["r5"]["historyLineCount"] = 3
    try:
        found = brought(f"{url}/lab/vision%20%C3%BC/runs/r5", tmp_path / "root")
    finally:
        project.runs["r5"]["historyLineCount"] = 1
    assert not found.is_whole
    assert [one.where for one in found.findings if one.lost] == ["history"]


def test_who_asks_is_asked_for(project, url, tmp_path, monkeypatch):
    where = f"{url}/lab/vision%20%C3%BC"
    monkeypatch.delenv("WANDB_API_KEY")
    (tmp_path / "netrc").write_text("")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    with pytest.raises(NotAllowed):
        open_source(where)
    netloc = url.partition("//")[2]
    (tmp_path / "netrc").write_text(f"machine {netloc}\n  login user\n  password {KEY}\n")
    assert brought(where, tmp_path / "root").is_whole
    monkeypatch.setenv("WANDB_API_KEY", "wrong")
    with pytest.raises(NotAllowed):
        brought(where, tmp_path / "root")
    monkeypatch.setenv("WANDB_API_KEY", KEY)
    for missing in ("wandb://lab/other", f"{where}/runs/none"):
        with pytest.raises(NotFound):
            brought(missing, tmp_path / "root")
    with pytest.raises(InvalidValue):
        open_source("wandb://lab")


def _same(text: str) -> str:
    return " ".join(text.replace("#graphql", "").split())


def test_the_questions_are_those_of_the_installed_client():
    from wandb.apis.public import files, runs
    from wandb.sdk.artifacts._generated import operations

    events = re.search(r'query = """(.*?)"""', inspect.getsource(runs.Run._full_history), re.DOTALL)
    assert events is not None
    asked = {
        queries.RUNS: runs._create_runs_query(lazy=False),
        queries.FILES: files.Files._get_query(None),  # type: ignore[arg-type]
        queries.EVENTS: events[1].format("events"),
        queries.OUTPUT_ARTIFACTS: operations.RUN_OUTPUT_ARTIFACTS_GQL,
        queries.INPUT_ARTIFACTS: operations.RUN_INPUT_ARTIFACTS_GQL,
        queries.MANIFEST: operations.FETCH_ARTIFACT_MANIFEST_GQL,
        queries.ARTIFACT_FILES: operations.GET_ARTIFACT_MEMBERSHIP_FILE_URLS_GQL,
    }
    for ours, theirs in asked.items():
        assert _same(ours) == _same(theirs)
    # The question for pages of the history is in the client's helper program.
    core = next((Path(wandb.__file__).parent / "bin").glob("wandb-core*")).read_bytes()
    at = core.index(b"query HistoryPage")
    assert _same(core[at : at + 600].decode("utf-8", "replace")).startswith(_same(queries.HISTORY))
