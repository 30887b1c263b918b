"""Lightning's trainers with our logger."""

from __future__ import annotations

import argparse
import pickle
import signal
import subprocess
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from anew import Experiment, Status, Store, session

from ..tracking.reading import plain_name
from .running import run_example

with warnings.catch_warnings():  # of the library's own, while it is loaded
    warnings.simplefilter("ignore")
    import lightning.pytorch as pl
    from lightning.pytorch.callbacks import ModelCheckpoint

    from anew.integrations.lightning import AnewLogger

# The whole framework: `make test` does not even import it.
pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore:`isinstance.treespec, LeafSpec:FutureWarning"),
    pytest.mark.filterwarnings("ignore:.*does not have many workers"),
    pytest.mark.filterwarnings("ignore:The number of training batches"),
    pytest.mark.filterwarnings("ignore:Checkpoint directory .* exists and is not empty"),
]


@pytest.fixture(autouse=True)
def _quiet(monkeypatch: pytest.MonkeyPatch, root: Path) -> Iterator[None]:
    monkeypatch.setattr(session, "_current", None)
    monkeypatch.setenv("ANEW_ROOT", str(root))
    monkeypatch.setenv("ANEW_CONSOLE", "off")
    monkeypatch.setenv("ANEW_SYSTEM_METRICS", "0")
    monkeypatch.setenv("ANEW_CAPTURE", "off")
    kept = signal.getsignal(signal.SIGINT)
    yield
    signal.signal(signal.SIGINT, kept)  # Lightning ignores it once it was interrupted


class Line(pl.LightningModule):
    """One weight; what goes wrong at which batch can be said."""

    def __init__(self, lr: float = 0.1, error: Any = None, **options: Any) -> None:
        super().__init__()
        self.save_hyperparameters(ignore=["error"])
        self.layer = torch.nn.Linear(1, 1)
        self.error = error

    def training_step(self, batch: torch.Tensor, at: int) -> torch.Tensor:
        if self.error is not None and at == 3:
            raise self.error
        loss = (self.layer(batch) - 2 * batch).square().mean()
        self.log("train/loss", loss)
        return loss

    def validation_step(self, batch: torch.Tensor, at: int) -> None:
        self.log("val/loss", (self.layer(batch) - 2 * batch).square().mean())

    test_step = validation_step

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.SGD(self.parameters(), lr=self.hparams["lr"])


def batches() -> Any:
    return torch.utils.data.DataLoader(torch.linspace(-1, 1, 24).reshape(24, 1), 4)


def trainer(logger: Any, **options: Any) -> pl.Trainer:
    settings = {"max_epochs": 2, "accelerator": "cpu", "enable_checkpointing": False}
    silent = {"enable_progress_bar": False, "enable_model_summary": False}
    return pl.Trainer(logger=logger, log_every_n_steps=2, **{**settings, **silent, **options})


def only(root: Path) -> Any:
    (view,) = Store(str(root))
    return view


def steps(view: Any, name: str) -> list[int]:
    return [row["step"] for row in view.metrics[name].rows()]


def test_the_example_trains_tests_and_keeps_its_two_best_checkpoints(tmp_path):
    view = run_example("with_lightning", tmp_path)["examples/digits/lightning"]
    assert view.status is Status.COMPLETED
    assert view.params == {"width": 64, "lr": 0.003}
    assert steps(view, "train/loss") == list(range(4, 100, 5))
    assert steps(view, "val/acc") == [19, 39, 59, 79, 99]
    assert steps(view, "test/acc") == [100]
    assert view.metrics["test/acc"].last > 0.8
    scores = [file.metadata["score"] for file in view.files]
    assert sorted(scores) == sorted(row["value"] for row in view.metrics["val/loss"].rows())[:2]
    assert [file.step for file in view.files] == [80, 100]


def test_parameters_keep_their_types_and_nesting(root):
    model = Line(lr=0.05, net={"width": 4, "act": torch.nn.ReLU}, path=Path("a/b"), none=None)
    trainer(AnewLogger("net"), max_epochs=1).fit(model, batches(), batches())
    params = only(root).params
    assert (params["lr"], params["net.width"], params["none"]) == (0.05, 4, None)
    assert (params["path"], params["net.act"]) == ("a/b", "torch.nn.modules.activation.ReLU")
    logger = AnewLogger("spaces")
    logger.log_hyperparams(argparse.Namespace(depth=3))
    assert logger.experiment.params["depth"] == 3


def test_steps_are_lightnings_own_and_go_on_in_a_second_fit(root):
    fits, model = trainer(AnewLogger("net")), Line()
    fits.fit(model, batches(), batches())
    assert only(root).status is Status.COMPLETED
    fits.fit_loop.max_epochs = 3
    fits.fit(model, batches(), batches())
    fits.test(model, batches(), verbose=False)
    view = only(root)
    assert view.status is Status.COMPLETED
    assert steps(view, "train/loss") == [1, 3, 5, 7, 9, 11, 13, 15, 17]
    assert steps(view, "val/loss") == [5, 11, 17, 18]
    assert "epoch" in view.metrics


def test_a_name_out_of_the_data_does_not_end_the_training(root):
    class Named(Line):
        def training_step(self, batch: torch.Tensor, at: int) -> torch.Tensor:
            loss = super().training_step(batch, at)
            self.log("acc/tabby cat ", loss)
            self.log("acc/two\nlines", loss)
            return loss

    trainer(AnewLogger("net"), max_epochs=1).fit(Named(), batches(), batches())
    assert only(root).status is Status.COMPLETED
    assert {"acc/tabby cat ", "acc/two\\nlines"} <= {*only(root).metrics}


@pytest.mark.parametrize("how", ["handed over", "found"])
def test_an_experiment_of_the_programs_own_is_used_and_not_ended(root, how):
    with Experiment("a/b") as exp:
        logger = AnewLogger(exp if how == "handed over" else None, prefix="small")
        trainer(logger).fit(Line(), batches(), batches())
        assert exp.status is Status.RUNNING
        assert logger.experiment is exp
    view = only(root)
    assert (view.prefix, view.status) == ("a/b", Status.COMPLETED)
    assert "small/train/loss" in view.metrics


def test_an_exception_fails_it_with_the_traceback(root):
    with pytest.raises(ValueError, match="at batch 3"):
        trainer(AnewLogger("net")).fit(Line(error=ValueError("at batch 3")), batches(), batches())
    view = only(root)
    assert (view.status, view.reason) == (Status.FAILED, "ValueError: at batch 3")
    assert "training_step" in (view.error or "")
    assert steps(view, "train/loss") == [1]


@pytest.mark.parametrize("whose", ["its own", "the block's", "the current one"])
def test_ctrl_c_cancels_it_whosever_it_is(root, whose, monkeypatch):
    def train(logger: AnewLogger) -> None:
        trainer(logger).fit(Line(error=KeyboardInterrupt()), batches(), batches())

    with pytest.raises(SystemExit):
        if whose == "its own":
            train(AnewLogger("net"))
        elif whose == "the block's":
            with Experiment("net"):
                train(AnewLogger())
        else:
            session.start("net")
            train(AnewLogger())
    assert (only(root).status, only(root).reason) == (Status.CANCELLED, "interrupted")


def test_in_a_with_block_it_ends_with_the_block(root):
    with AnewLogger("net") as logger:
        trainer(logger).fit(Line(), batches(), batches())
        assert logger.experiment.status is Status.RUNNING
        with pytest.raises(ValueError, match="no"):
            trainer(logger).fit(Line(error=ValueError("no")), batches(), batches())
    assert only(root).status is Status.COMPLETED


def test_a_trial_run_of_the_code_records_nothing(root):
    trainer(AnewLogger("net"), fast_dev_run=True).fit(Line(), batches(), batches())
    assert not root.exists()


def test_a_disabled_experiment_records_nothing_and_changes_nothing(root, tmp_path):
    logger = AnewLogger("net", mode="disabled", log_model="all", log_graph=True)
    run = trainer(logger, enable_checkpointing=True, default_root_dir=tmp_path)
    run.fit(Line(), batches(), batches())
    assert not root.exists()
    assert Path(run.checkpoint_callback.best_model_path).is_file()


def test_checkpoints_lie_in_the_experiments_folder_and_a_fit_goes_on_from_one(root):
    def fit(epochs: int, resume: str | None) -> ModelCheckpoint:
        saving = ModelCheckpoint(monitor="val/loss", save_last=True)
        options = {"max_epochs": epochs, "callbacks": [saving], "enable_checkpointing": True}
        run = trainer(AnewLogger("a/net", resume="allow"), **options)
        run.fit(Line(), batches(), batches(), ckpt_path=resume)
        return saving

    last = fit(1, None).last_model_path
    fit(3, last)
    view = only(root)
    assert Path(last).parent == view.path / "outputs" / "net" / view.id / "checkpoints"
    assert steps(view, "train/loss") == [1, 3, 5, 7, 9, 11, 13, 15, 17]
    assert not view.files


@pytest.mark.parametrize(("which", "files"), [(True, 2), ("all", 6), (False, 0)])
def test_checkpoints_are_kept_as_files_as_many_as_wished(root, which, files):
    saving = ModelCheckpoint(monitor="val/loss", save_last=True)
    logger = AnewLogger("net", log_model=which)
    run = trainer(logger, max_epochs=3, callbacks=[saving], enable_checkpointing=True)
    run.fit(Line(), batches(), batches())
    kept = only(root).files
    assert len(kept) == files
    if which is True:
        best = next(file for file in kept if file.name != "last.ckpt")
        assert best.read_bytes() == Path(saving.best_model_path).read_bytes()
        assert (best.step, best.metadata["score"]) == (18, saving.best_model_score.item())


def test_checkpoints_of_a_fit_that_failed_are_kept_too(root):
    model = Line()

    def break_off(*_: Any) -> None:
        if model.current_epoch == 1:
            raise ValueError("in the second epoch")

    model.on_train_epoch_start = break_off
    run = trainer(AnewLogger("net", log_model=True), enable_checkpointing=True)
    with pytest.raises(ValueError, match="second"):
        run.fit(model, batches(), batches())
    assert [file.step for file in only(root).files] == [6]


def test_weights_are_committed_once_per_checkpoint_and_come_back(root):
    model, saving = Line(), ModelCheckpoint(save_last=True)
    logger = AnewLogger("net", log_model="weights", log_graph=True)
    trainer(logger, callbacks=[saving], enable_checkpointing=True).fit(model, batches(), batches())
    with Experiment(prefix=logger.experiment.prefix, resume="allow") as exp:
        assert [commit.step for commit in exp.weights.log()] == [12, 6]
        assert torch.equal(
            torch.tensor(exp.weights.load()["layer.weight"]), model.layer.weight.detach()
        )
    (file,) = only(root).files
    assert (file.prefix, file.name) == ("model", "summary.txt")
    assert "layer" in file.read_text()


def test_images_and_texts_are_logged_at_a_step(root):
    logger = AnewLogger("net", prefix="val")
    images = [np.zeros((4, 4)), np.ones((4, 4))]
    logger.log_image("digits", images, step=3, caption=["zero", "one"])
    logger.log_text("answer", "seven", step=3)
    logger.finalize("success")
    values = only(root).values()
    assert [(v.name, v.kind, v.step) for v in values] == [
        ("val/digits", "image", 3),
        ("val/digits", "image", 3),
        ("val/answer", "text", 3),
    ]


def test_tables_and_what_parameters_are_judged_by_are_logged(root):
    logger = AnewLogger("net", prefix="val")
    logger.log_table("errors", columns=["image", "digit"], data=[[712, 8]], step=2)
    logger.log_table("frame", dataframe=pd.DataFrame({"a": [1, 2]}))
    logger.log_hyperparams({"lr": 0.1}, {"loss": 0.5})
    logger.finalize("success")
    one = only(root)
    assert [(v.name, v.kind, v.step) for v in one.values()] == [
        ("val/errors", "table", 2),
        ("val/frame", "table", None),
    ]
    assert one.params.lr == 0.1
    assert steps(one, "val/loss") == [0]


def test_a_watched_module_has_histograms_at_the_trainers_steps(root):
    logger = AnewLogger("net")
    module = Line()
    logger.watch(module, log="all", log_freq=2)
    trainer(logger, max_epochs=2).fit(module, batches(), batches())
    one = only(root)
    found = {v.step for v in one.values() if v.name == "gradients/layer.weight"}
    assert found == {step for step in found if step % 2 == 0}
    assert found
    assert any(v.name == "parameters/layer.bias" for v in one.values())
    assert [(f.prefix, f.name) for f in one.files] == [("model", "summary.txt")]
    logger.unwatch(module)


def test_other_ranks_log_nothing(root, monkeypatch):
    from lightning.pytorch.utilities import rank_zero_only

    monkeypatch.setattr(rank_zero_only, "rank", 1)
    logger = AnewLogger("net")
    logger.log_metrics({"loss": 1.0}, step=0)
    logger.log_hyperparams({"lr": 1.0})
    logger.experiment.log("nobody hears this")
    logger.finalize("success")
    with logger:
        logger.log_text("answer", "seven")
        logger.log_table("errors", ["a"], [[1]])
        logger.watch(Line())
    assert (logger.name, logger.version, logger.save_dir) == (None, None, None)
    assert not root.exists()


def test_a_logger_can_be_sent_to_another_process(root):
    logger = pickle.loads(pickle.dumps(AnewLogger("net")))  # noqa: S301  (what spawning does)
    logger.log_metrics({"loss": 1.0}, step=0)
    logger.finalize("success")
    assert only(root).metrics["loss"].last == 1.0


def test_fabric_logs_too(root):
    from lightning.fabric import Fabric

    with AnewLogger("net") as logger:
        fabric = Fabric(accelerator="cpu", devices=1, loggers=logger)
        fabric.log_dict({"train/loss": torch.tensor(0.5)}, step=3)
    assert steps(only(root), "train/loss") == [3]


def test_what_to_keep_of_the_model_must_be_known():
    with pytest.raises(ValueError, match="log_model"):
        AnewLogger("net", log_model="best")


OLDER = """
import warnings
warnings.simplefilter("ignore")
import sys, torch
import pytorch_lightning as pl
from anew.integrations.lightning import AnewLogger

class Line(pl.LightningModule):
    def __init__(self):
        super().__init__()
        self.layer = torch.nn.Linear(1, 1)
    def training_step(self, batch, at):
        loss = self.layer(batch).square().mean()
        self.log("train/loss", loss, sync_dist=True)
        return loss
    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), lr=0.1)

if __name__ == "__main__":
    data = torch.utils.data.DataLoader(torch.linspace(-1, 1, 24).reshape(24, 1), 4)
    logger = AnewLogger("a/older")
    assert isinstance(logger, pl.loggers.Logger)
    trainer = pl.Trainer(
        logger=logger, max_epochs=1, accelerator="cpu", devices=2, strategy="ddp", log_every_n_steps=1,
        enable_progress_bar=False, enable_model_summary=False,
    )
    trainer.fit(Line(), data)
"""


def test_two_ranks_under_the_packages_older_name_make_one_record(root, tmp_path):
    (tmp_path / "train.py").write_text(OLDER)
    result = subprocess.run(
        [sys.executable, "train.py"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stderr[-4000:]
    view = only(root)
    assert (view.prefix, view.status) == ("a/older", Status.COMPLETED)
    assert steps(view, "train/loss") == [0, 1, 2]
    assert [plain_name(writer) for writer in view.writers] == ["0001-main"]
    assert [*view.path.glob("outputs/older/*/checkpoints/*.ckpt")]
