"""Programs written for ml-dash run, and leave what the same calls of Anew leave."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import anew
from anew import Status, Store
from anew.dialects.ml_dash import RUN, UNSUPPORTED, Experiment, ml_dash_experiment
from anew.errors import CorruptData, InvalidName, InvalidValue, NotFound
from later import later

from ...dialects.records import recorded

torch = later("torch")

PREFIX = "alice/project/my-experiment"


@pytest.fixture(autouse=True)
def _no_samples(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANEW_SYSTEM_METRICS", "0")


def test_the_three_styles_leave_what_the_native_calls_leave():
    def calls(exp: Experiment) -> None:
        exp.log("Training started")
        exp.params.set(learning_rate=0.001)
        for epoch in range(3):
            exp.metrics("train").log(loss=1 / (epoch + 1), epoch=epoch)

    with Experiment(prefix=PREFIX, dash_root="with").run as exp:
        calls(exp)

    @ml_dash_experiment(prefix=PREFIX, dash_root="decorated")
    def train_model(experiment: Experiment) -> str:
        calls(experiment)
        return "Training complete!"

    assert train_model() == "Training complete!"

    exp = Experiment(prefix=PREFIX, dash_root="direct")
    exp.run.start()
    try:
        calls(exp)
    finally:
        exp.run.complete()

    with anew.Experiment(PREFIX, root="native") as native:
        native.log("Training started")
        native.params.set(learning_rate=0.001)
        for epoch in range(3):
            native.metrics("train").log(loss=1 / (epoch + 1), epoch=epoch)

    wanted = recorded(Path("native", PREFIX))
    assert len(wanted["points"]) == 6
    for root in ("with", "decorated", "direct"):
        assert recorded(Path(root, PREFIX)) == wanted


def test_without_a_root_it_is_where_anew_keeps_experiments(tmp_path: Path):
    with Experiment(prefix=PREFIX).run as exp:
        exp.log("here")
    assert Path(exp.native.folder) == tmp_path / "experiments" / PREFIX
    assert Store()[PREFIX].status == Status.COMPLETED


PROGRAM = """
from anew.dialects.ml_dash import RUN, Experiment
from pathlib import Path

RUN.entry = __file__
with Experiment(
    prefix=f"{RUN.user}/{RUN.project}/{RUN.path_stem}", dash_root=".dash"
).run as exp:
    exp.log(f"Running from {RUN.entry}")
    exp.params.set(script=str(RUN.entry))

sweep_dir = Path(__file__).parent
RUN.entry = str(sweep_dir)
for job_id, config in enumerate([{"lr": 0.1}, {"lr": 0.01}]):
    with Experiment(prefix=f"{RUN.user}/{RUN.path_stem}/job_{job_id:03d}", dash_root=".dash").run as exp:
        exp.params.set(**config)
print(RUN.project_root, RUN.path_stem, RUN.now.year > 2000)
"""


def test_run_finds_the_prefix_from_where_the_script_lies(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    project = tmp_path / "my-project"
    script = project / "experiments" / "vision" / "resnet" / "train.py"
    script.parent.mkdir(parents=True)
    (project / "pyproject.toml").touch()
    script.write_text(PROGRAM)
    monkeypatch.setenv("ML_DASH_USER", "alice")
    done = subprocess.run(
        [sys.executable, script], capture_output=True, text=True, check=False, cwd=tmp_path
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1].split() == [str(project), "vision/resnet", "True"]
    store = Store(tmp_path / ".dash")
    assert store["alice/my-project/vision/resnet"].params["script"] == str(script)
    assert [store[f"alice/vision/resnet/job_00{job}"].params["lr"] for job in (0, 1)] == [0.1, 0.01]
    assert RUN is anew.RUN


def test_description_tags_and_bindrs_are_kept():
    with Experiment(
        prefix="alice/computer-vision/resnet50-imagenet",
        description="ResNet-50 training with new augmentation",
        tags=["resnet", "imagenet", "baseline"],
        bindrs=["gpu-cluster", "team-a"],
    ).run as exp:
        exp.log("Training started")
    view = Store()[exp.id]
    assert view.description == "ResNet-50 training with new augmentation"
    assert list(view.tags) == ["resnet", "imagenet", "baseline"]
    assert view.bindrs == ["gpu-cluster", "team-a"]


def test_the_whole_life_of_a_status_is_kept_in_local_mode():
    def status(prefix: str) -> Status:
        return Store()[prefix].status

    exp = Experiment(prefix="alice/ml/life")
    assert exp.status is Status.PENDING
    with exp.run:
        assert exp.status is Status.RUNNING
        assert status("alice/ml/life") is Status.RUNNING
    assert status("alice/ml/life") is Status.COMPLETED

    with (
        pytest.raises(ValueError),
        Experiment(prefix="alice/ml/fails").run as exp,
    ):
        exp.log("Training...")
        raise ValueError("Training failed!")
    assert status("alice/ml/fails") is Status.FAILED
    assert "Training failed!" in (Store()["alice/ml/fails"].error or "")

    for end, wanted in (("cancel", Status.CANCELLED), ("fail", Status.FAILED)):
        exp = Experiment(prefix=f"alice/ml/{end}")
        exp.run.start()
        getattr(exp.run, end)()
        assert exp.status is wanted is status(f"alice/ml/{end}")

    with pytest.raises(KeyboardInterrupt), Experiment(prefix="alice/ml/interrupted").run:
        raise KeyboardInterrupt
    assert status("alice/ml/interrupted") is Status.CANCELLED


def test_the_same_prefix_goes_on_with_the_same_experiment():
    with Experiment(prefix="alice/ml/long-training").run as first:
        first.log("Starting epoch 1")
        first.params.set(model={"depth": 3, "width": 8})
        first.metrics("train").log(loss=0.5, epoch=1)
        first.files("models").save(b"one", to="model.pth")
    with Experiment(prefix="alice/ml/long-training").run as second:
        second.log("Resuming from checkpoint")
        second.metrics("train").log(loss=0.3, epoch=2)
        assert second.id == first.id
        assert [row["data"] for row in second.metrics("train").read()["data"]] == [
            {"loss": 0.5, "epoch": 1.0},
            {"loss": 0.3, "epoch": 2.0},
        ]
        assert second.params.get(flatten=True) == {"model.depth": 3, "model.width": 8}
        assert second.params.get(flatten=False) == {"model": {"depth": 3, "width": 8}}
        assert [file["filename"] for file in second.files("models").list()] == ["model.pth"]
    assert len(Store()) == 1


def test_rows_are_read_back_page_by_page():
    with Experiment(prefix=PREFIX).run as exp:
        train = exp.metrics("train")
        for epoch in range(10):
            assert train.log(loss=1 / (epoch + 1), epoch=epoch) is train
        exp.metrics("eval").log(loss=9.0)
        page = exp.metrics("train").read(start=4, limit=3)
    assert {key: page[key] for key in page if key != "data"} == {
        "startIndex": 4,
        "endIndex": 6,
        "total": 10,
        "hasMore": True,
    }
    assert [row["index"] for row in page["data"]] == [4, 5, 6]
    assert page["data"][0]["data"] == {"loss": 0.2, "epoch": 4.0}
    assert page["data"][0]["createdAt"].endswith("Z")
    end = exp.metrics("train").read(start=8, limit=3)  # also after the end
    assert (end["endIndex"], end["hasMore"]) == (9, False)
    past = exp.metrics("train").read(start=10)
    assert (past["data"], past["endIndex"], past["hasMore"]) == ([], 9, False)
    assert exp.metrics("never").read()["total"] == 0
    with pytest.raises(ValueError):
        exp.metrics("train").read(start=-1)


def test_summaries_give_every_statistic():
    values = [3.0, 1.0, 2.0, 4.0]
    with Experiment(prefix=PREFIX).run as exp:
        for value in values:
            exp.metrics("train").log(loss=value)
            exp.metrics("train").buffer(loss=value, acc=None)
        assert exp.metrics.buffer.peek("train", "loss", limit=2) == {"loss": [2.0, 4.0]}
        aggregates = ["mean", "std", "min", "max", "count", "sum", "first", "last", "median", "p90"]
        exp.metrics.buffer.log_summary(*aggregates, epoch=1)
        exp.metrics.buffer.log_summary()  # there is nothing left
        stats = exp.metrics("train").stats()["loss"]
        with pytest.raises(ValueError):
            exp.metrics.buffer.log_summary("mode")
    rows = exp.metrics("train").read(start=4)["data"]
    assert len(rows) == 1
    said = rows[0]["data"]
    wanted = {
        "mean": 2.5, "std": np.std(values, ddof=1), "min": 1, "max": 4, "count": 4, "sum": 10,
        "first": 3, "last": 4, "median": 2.5, "p90": 3.7,
    }  # fmt: skip
    assert said == pytest.approx({f"loss.{k}": v for k, v in wanted.items()} | {"epoch": 1})
    assert stats == pytest.approx(
        {k: wanted[k] for k in ("mean", "std", "min", "max", "count", "first", "last", "p90")}
        | {f"p{at}": np.percentile(values, at) for at in (50, 95, 99)}
    )


def test_levels_have_the_names_of_both_sides():
    with Experiment(prefix=PREFIX).run as exp:
        for level in ("debug", "info", "warn", "ERROR", "fatal"):
            exp.log("said", level=level, metadata={"epoch": 1}, loss=0.5)
        with pytest.raises(InvalidValue, match="loud"):
            exp.log("said", level="loud")
    lines = Store()[exp.id].logs()
    assert [line.level for line in lines] == ["debug", "info", "warning", "error", "critical"]
    assert lines[0].fields == {"epoch": 1, "loss": 0.5}


def test_files_of_every_kind_are_saved_listed_and_fetched(tmp_path: Path):
    import matplotlib

    matplotlib.use("agg")
    from matplotlib import pyplot
    from PIL import Image

    Path("model.pth").write_bytes(b"weights")
    model = torch.nn.Linear(2, 1)
    figure, axes = pyplot.subplots()
    axes.plot([1, 2])
    with Experiment(prefix="alice/test/demo").run as exp:
        said = exp.files("models").save("model.pth", tags=["best"], metadata={"epoch": 1})
        exp.files("models").save_torch(model, to="linear.pt")
        exp.files("configs").save({"lr": 0.1}, to="config.json")
        exp.files("configs").save_json([1, 2], to="list.json")
        exp.files("notes").save_text("grüße", to="note.txt")
        exp.files("notes").save_blob(b"\0\1", to="blob.bin")
        exp.files("plots").save_fig(figure, to="curve.png")
        exp.files("plots").save_fig(to="current.png")
        exp.files("plots").save(np.zeros((4, 5, 3)), to="black.png")
        exp.files("plots").save_image(np.full((4, 5), 255, np.uint8), to="white.jpg")
        pyplot.close(figure)
        assert said["checksum"] == exp.files("models").list("*.pth")[0]["checksum"]
        assert (said["path"], said["filename"], said["sizeBytes"]) == ("models", "model.pth", 7)
        assert (said["tags"], said["metadata"]) == (["best"], {"epoch": 1})
        assert [f["filename"] for f in exp.files("plots").list("*.png")] == [
            "curve.png",
            "current.png",
            "black.png",
        ]
        assert len(exp.files().list("models/*")) == 2
        assert len(exp.files().list()) == 10
        single = exp.files("models/linear.pt").download(to="copy.pt")
        many = exp.files("plots").download("*.png", to="pictures")
        assert len(many) == 3
        with Image.open("pictures/black.png") as picture:
            assert picture.size == (5, 4)
        for missing in (
            lambda: exp.files("models/none.pt").download(),
            lambda: exp.files("plots").download("*.gif"),
        ):
            with pytest.raises(KeyError):
                missing()
        with pytest.raises(FileNotFoundError):
            exp.files("models").save("not-there.pth")
        with pytest.raises(InvalidValue, match="name"):
            exp.files("models").save(b"nameless")
    assert isinstance(single, str)
    loaded = torch.load(single, weights_only=True)
    assert torch.equal(loaded["weight"], model.weight)
    assert json.loads(Store()[exp.id].files[2].read_text()) == {"lr": 0.1}
    # Under files/<prefix>/<id>/<name>, as the layout says.
    assert (
        Path(exp.native.folder, "files", "models", said["id"], "model.pth").read_bytes()
        == b"weights"
    )


def test_folders_below_a_prefix_stay_folders_when_they_are_fetched():
    for folder in ("a", "b"):
        Path("tree", folder).mkdir(parents=True)
        Path("tree", folder, "m.bin").write_text(folder)
    with Experiment(prefix=PREFIX).run as exp:
        exp.files("models").save("tree")
        assert len(exp.files("models").list()) == 2
        fetched = exp.files("models").download("*.bin", to="out")
        assert sorted(Path(path).read_text() for path in fetched) == ["a", "b"]
        with pytest.raises(KeyError):
            exp.files("models").download()


def test_the_newest_of_a_name_counts_and_a_damaged_one_is_refused():
    with Experiment(prefix=PREFIX).run as exp:
        exp.files("models").save(b"old", to="m.bin")
        new = exp.files("models").save(b"new", to="m.bin")
        assert [file["id"] for file in exp.files("models").list()] == [new["id"]]
        target = exp.files("models/m.bin").download()
        assert Path(str(target)).read_bytes() == b"new"
        Path(exp.native.folder, "files", "models", new["id"], "m.bin").write_bytes(b"bad")
        with pytest.raises(CorruptData):
            exp.files("models/m.bin").download(to="again.bin")


@pytest.mark.parametrize(
    "operation",
    [
        lambda exp: exp.log("x"),
        lambda exp: exp.params.set(a=1),
        lambda exp: exp.params.get(),
        lambda exp: exp.metrics("train").log(loss=1),
        lambda exp: exp.metrics("train").read(),
        lambda exp: exp.metrics("train").stats(),
        lambda exp: exp.files("a").save(b"x", to="x"),
        lambda exp: exp.files("a").list(),
        lambda exp: exp.files("a").download(),
        lambda exp: exp.run.complete(),
    ],
)
def test_operations_before_the_start_name_what_starts_it(operation):
    with pytest.raises(RuntimeError):
        operation(Experiment(prefix=PREFIX))


def test_an_unknown_keyword_is_an_error():
    with pytest.raises(TypeError, match="desciption"):
        Experiment(prefix=PREFIX, desciption="oops")
    with pytest.raises(TypeError, match="desciption"):
        ml_dash_experiment(PREFIX, desciption="oops")(lambda experiment: None)()
    with Experiment(prefix=PREFIX).run as exp, pytest.raises(TypeError, match="begin"):
        exp.metrics("train").read(begin=0)


def test_a_prefix_without_a_project_is_refused():
    with pytest.raises(InvalidName, match="owner/project"):
        Experiment(prefix="alone")


def test_disabled_every_call_does_nothing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setenv("ANEW_MODE", "disabled")
    with Experiment(prefix=PREFIX).run as exp:
        exp.metrics("train").log(loss=1)
        exp.files("a").save(b"x", to="x")
        assert exp.metrics("train").read()["total"] == 0
        assert exp.metrics("train").stats() == {}
        assert exp.files().list() == []
    assert not (tmp_path / "experiments").exists()


def test_what_is_not_supported_says_so():
    with Experiment(prefix=PREFIX).run as exp:
        with pytest.raises(InvalidValue, match="note"):
            exp.metrics("train").log(note="text")
        with pytest.raises(AttributeError, match="log_summary"):
            _ = exp.metrics("train").summary_cache
        for name in ("save_pkl", "save_video"):
            with pytest.raises(AttributeError):
                getattr(exp.files("a"), name)
        with pytest.raises(AttributeError):
            _ = exp.files("a").svae
    assert len(UNSUPPORTED) == 4


def test_files_metrics_and_messages_need_no_name(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    Path("model.pth").write_bytes(b"weights")
    with Experiment(prefix=PREFIX).run as exp:
        assert "/".join((exp.owner, exp.project, exp.name)) == PREFIX
        exp.files.upload("model.pth")
        exp.files.save({"a": 1}, to="configs/a.json")
        exp.files.save_text("note", to="note.txt")
        exp.files.save_json([1, 2], to="list.json")
        exp.files.save_blob(b"x", to="x.bin")
        exp.metrics.log(loss=0.5, step=3)
        exp.metrics.log(epoch=1, train={"loss": 0.25}, eval={"loss": 0.75})
        exp.metrics("train").log(loss=0.1, step=7)
        exp.logs.info("an info", epoch=1)
        exp.logs.error("an error")
        exp.log("plain")
    names = {f["filename"] for f in exp.files.list()}
    assert names == {"model.pth", "configs/a.json", "note.txt", "list.json", "x.bin"}
    assert Path(str(exp.files.download("model.pth", to="back.pth"))).read_bytes() == b"weights"
    assert exp.files.download("*.txt", to=tmp_path / "out") == [str(tmp_path / "out" / "note.txt")]
    view = Store()[PREFIX]
    assert view.metrics["loss"].last_step == 3
    assert view.metrics["train/loss"].last_step == 7
    assert view.metrics["eval/epoch"].last == 1
    assert exp.metrics("train").read()["data"][1]["data"] == {"loss": 0.1, "step": 7}
    assert exp.metrics("").stats()["loss"]["count"] == 1
    assert [(m.level, m.message) for m in view.logs()] == [
        ("info", "an info"),
        ("error", "an error"),
        ("info", "plain"),
    ]
    said = capsys.readouterr()
    assert [line.split(" ", 1)[1].split() for line in said.out.splitlines()] == [
        ["INFO", "an", "info"],
        ["INFO", "plain"],
    ]
    assert "an error" in said.err


def test_deleted_files_are_not_listed_and_a_later_one_of_the_name_is():
    with Experiment(prefix=PREFIX).run as exp:
        for content in (b"1", b"2"):
            exp.files("m").save_blob(content, to="a.bin")
        exp.files("m").save_blob(b"b", to="b.bin")
        assert [f["filename"] for f in exp.files("m").delete("a.*")] == ["a.bin"]
        assert [f["filename"] for f in exp.files("m").list()] == ["b.bin"]
        with pytest.raises(NotFound):
            exp.files("m/a.bin").download()
        with pytest.raises(NotFound):
            exp.files.delete("nothing*")
        with pytest.raises(InvalidValue):
            exp.files.delete()
        exp.files("m").save_blob(b"3", to="a.bin")
    assert {f["filename"] for f in exp.files("m").list()} == {"a.bin", "b.bin"}
    assert len(Store()[PREFIX].files) == 4


def test_an_end_that_comes_twice_changes_nothing():
    exp = Experiment(prefix=PREFIX)
    with pytest.raises(RuntimeError):
        exp.run.complete()
    exp.run.start()
    exp.run.fail("first")
    exp.run.complete()
    exp.run.cancel()
    assert Store()[PREFIX].status == Status.FAILED


def test_a_decorated_function_is_called_by_position_and_may_be_asynchronous():
    @ml_dash_experiment(prefix=PREFIX)
    def train(experiment, lr, batch=1):
        experiment.params.set(lr=lr, batch=batch)
        return experiment

    @ml_dash_experiment(prefix=PREFIX)
    async def wait(run, lr):
        await asyncio.sleep(0)
        run.log("waited")
        assert run.status == Status.RUNNING
        return lr

    assert train(0.1, 2).params.get() == {"lr": 0.1, "batch": 2}
    assert train(lr=0.2).params.get() == {"lr": 0.2, "batch": 1}
    assert asyncio.run(wait(0.3)) == 0.3
    assert Store()[PREFIX].status == Status.COMPLETED


def test_none_is_no_value_in_rows_and_buffers():
    with Experiment(prefix=PREFIX).run as exp:
        exp.metrics("train").log(loss=0.5, acc=None)
        exp.metrics("train").buffer(loss=None, acc=1.0)
        exp.metrics.buffer.log_summary("count")
    assert {*Store()[PREFIX].metrics} == {"train/loss", "train/acc.count"}


def test_a_decorated_function_takes_its_arguments_by_position_and_may_be_a_coroutine(tmp_path):
    @ml_dash_experiment(prefix="alice/project/sync", dash_root=tmp_path)
    def train(experiment, lr):
        return type(experiment).__name__, lr

    @ml_dash_experiment(prefix="alice/project/async", dash_root=tmp_path)
    async def train_async(lr, experiment):
        await asyncio.sleep(0)
        return str(experiment.status), lr

    assert train(0.1) == train(lr=0.1) == ("Experiment", 0.1)
    assert asyncio.run(train_async(0.1)) == ("running", 0.1)
