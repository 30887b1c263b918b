"""What a Lightning module logs is recorded as its trainer reports it, with any logger or none."""

from __future__ import annotations

import importlib
import logging
import warnings
from collections.abc import Iterator
from typing import Any

import pytest
import torch
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from torch.utils.data import DataLoader, TensorDataset

import anew
from anew import Experiment

from .reading import Points, messages, metrics

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # both packages use what their own dependencies deprecate
    import lightning.pytorch
    import pytorch_lightning

    from anew.integrations.lightning import AnewLogger

PACKAGES = ("lightning.pytorch", "pytorch_lightning")
pytestmark = [
    pytest.mark.slow,  # the whole framework: `make test` does not even import it
    pytest.mark.filterwarnings(
        # Lightning's own words on a small machine and on what its dependencies deprecate.
        "ignore:.*(LeafSpec|bottleneck|does not have many workers|GPU available|litlogger).*"
    ),
]


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    names = [*PACKAGES, "lightning.pytorch.utilities.rank_zero"]
    before = {name: logging.getLogger(name).level for name in names}
    yield
    for name, level in before.items():
        logging.getLogger(name).setLevel(level)


def trained(package: str, loggers: Any) -> Any:
    """A module that has learnt nothing in two epochs of two batches, and its trainer."""
    framework = importlib.import_module(package)

    class Module(framework.LightningModule):  # type: ignore[name-defined, misc]
        def __init__(self) -> None:
            super().__init__()
            self.layer = torch.nn.Linear(2, 1)

        def training_step(self, batch: Any, index: int) -> Any:
            self.log("train/index", float(index), on_step=True, on_epoch=True)
            return self.layer(batch[0]).pow(2).mean()

        def validation_step(self, batch: Any, index: int) -> None:
            self.log_dict({"val/index": float(index), "val/tenth": torch.tensor(0.1)})

        def configure_optimizers(self) -> Any:
            return torch.optim.SGD(self.parameters(), 0.1)

    data = DataLoader(TensorDataset(torch.ones(8, 2)), batch_size=4)
    trainer = framework.Trainer(
        max_epochs=2, logger=loggers, log_every_n_steps=1, accelerator="cpu", enable_checkpointing=False,
        enable_progress_bar=False, enable_model_summary=False,
    )  # fmt: skip
    trainer.fit(Module(), data, data)
    return trainer


TENTH = float(torch.tensor(0.1))
EXPECTED: dict[str, Points] = {
    "train/index_step": [(0, 0.0), (1, 1.0), (2, 0.0), (3, 1.0)],
    "train/index_epoch": [(1, 0.5), (3, 0.5)],
    "val/index": [(1, 0.5), (3, 0.5)],
    "val/tenth": [(1, TENTH), (3, TENTH)],
    "epoch": [(0, 0.0), (1, 0.0), (1, 0.0), (1, 0.0), (2, 1.0), (3, 1.0), (3, 1.0), (3, 1.0)],
}


@pytest.mark.parametrize("package", PACKAGES)
def test_without_a_logger_everything_is_recorded_reduced_and_at_the_right_step(package: str):
    with Experiment("alice/module", system_metrics=0) as exp, anew.capture():
        trained(package, False)
    assert metrics(exp) == EXPECTED
    assert any("max_epochs=2" in text for _, text, _ in messages(exp))


@pytest.mark.parametrize("package", PACKAGES)
def test_with_a_tensorboard_logger_nothing_is_recorded_twice_and_its_file_is_whole(package: str):
    board = importlib.import_module(f"{package}.loggers").TensorBoardLogger("board")
    with Experiment("alice/module", system_metrics=0) as exp, anew.capture():
        trained(package, board)
    recorded = metrics(exp)
    assert recorded.pop("hp_metric", None) in (None, [(0, -1.0)])  # the logger's own
    assert recorded == EXPECTED
    accumulator = EventAccumulator(board.log_dir)
    accumulator.Reload()
    assert [e.step for e in accumulator.Scalars("train/index_step")] == [0, 1, 2, 3]


def test_the_writer_of_a_logger_alone_tells_the_same_when_lightning_is_switched_off():
    board = lightning.pytorch.loggers.TensorBoardLogger("board")
    with Experiment("alice/module", system_metrics=0) as exp, anew.capture(lightning=False):
        trained("lightning.pytorch", board)
    recorded = metrics(exp)
    recorded.pop("hp_metric", None)
    assert recorded == EXPECTED


def test_beside_our_own_logger_nothing_is_recorded_twice():
    with Experiment("alice/module", system_metrics=0) as exp, anew.capture():
        trained("lightning.pytorch", [AnewLogger(exp)])
    assert {name: points for name, points in metrics(exp).items() if name in EXPECTED} == EXPECTED


def test_stopped_the_trainer_is_as_it_was():
    connectors = [
        importlib.import_module(f"{p}.trainer.connectors.logger_connector.logger_connector")
        for p in PACKAGES
    ]
    before = [vars(c._LoggerConnector)["log_metrics"] for c in connectors]
    with Experiment("alice/module", system_metrics=0) as exp:
        with anew.capture(lightning=False):
            assert [vars(c._LoggerConnector)["log_metrics"] for c in connectors] == before
        with anew.capture():
            changed = [vars(c._LoggerConnector)["log_metrics"] for c in connectors]
        trainer = trained("lightning.pytorch", False)
    assert not set(changed) & set(before)
    after = [vars(c._LoggerConnector)["log_metrics"] for c in connectors]
    assert all(one is other for one, other in zip(after, before, strict=True))
    assert metrics(exp) == {}
    assert trainer.global_step == 4
    assert pytorch_lightning.__version__ == lightning.pytorch.__version__
