"""Train a small network on handwritten digits with Lightning. Then: `anew show examples/digits/lightning`."""

from __future__ import annotations

import logging
import warnings

import lightning.pytorch as pl
import torch
from lightning.pytorch.callbacks import ModelCheckpoint
from sklearn.datasets import load_digits
from torch.utils.data import DataLoader, TensorDataset, random_split

from anew.integrations.lightning import AnewLogger


class Digits(pl.LightningModule):
    """Two layers, and what to learn."""

    def __init__(self, width: int = 64, lr: float = 3e-3) -> None:
        super().__init__()
        self.save_hyperparameters()
        self.layers = torch.nn.Sequential(
            torch.nn.Linear(64, width), torch.nn.ReLU(), torch.nn.Linear(width, 10)
        )

    def losses(self, batch: list[torch.Tensor], split: str) -> torch.Tensor:
        """The loss of a batch, logged with the accuracy."""
        images, labels = batch
        scores = self.layers(images)
        loss = torch.nn.functional.cross_entropy(scores, labels)
        accuracy = (scores.argmax(dim=1) == labels).float().mean()
        self.log_dict({f"{split}/loss": loss, f"{split}/acc": accuracy})
        return loss

    def training_step(self, batch: list[torch.Tensor]) -> torch.Tensor:
        """One step."""
        return self.losses(batch, "train")

    def validation_step(self, batch: list[torch.Tensor]) -> None:
        """One batch of what it has not seen."""
        self.losses(batch, "val")

    def test_step(self, batch: list[torch.Tensor]) -> None:
        """The same, after the training."""
        self.losses(batch, "test")

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """How it learns."""
        return torch.optim.Adam(self.parameters(), lr=self.hparams["lr"])


def main() -> None:
    """Train, keep the best two checkpoints, test."""
    logging.getLogger("lightning.pytorch").setLevel(logging.WARNING)
    for its_own in (".*does not have many workers", "`isinstance.treespec, LeafSpec"):
        warnings.filterwarnings("ignore", message=its_own)
    pl.seed_everything(0, verbose=False)
    images, labels = load_digits(return_X_y=True)
    data = TensorDataset(torch.tensor(images / 16).float(), torch.tensor(labels))
    train, val, test = (DataLoader(part, 64) for part in random_split(data, [0.7, 0.15, 0.15]))

    trainer = pl.Trainer(
        max_epochs=5,
        logger=AnewLogger("examples/digits/lightning", log_model=True, tags=["example"]),
        callbacks=[ModelCheckpoint(monitor="val/loss", save_top_k=2)],
        log_every_n_steps=5,
        accelerator="cpu",
        enable_progress_bar=False,
        enable_model_summary=False,
    )
    model = Digits()
    trainer.fit(model, train, val)
    trainer.test(model, test, verbose=False)


if __name__ == "__main__":
    main()
