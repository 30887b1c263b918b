"""Train a small network with PyTorch so that `anew reproduce` gets the same curve, bit for bit.

    python examples/reproduce_torch.py
    anew reproduce examples/digits/torch

`--no-seed` leaves the seed out: the re-run diverges, and the missing seed is named. `--workers 2` loads the data in
worker processes, seeded too.
"""

from __future__ import annotations

import argparse

import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from anew import Experiment, seed_everything, seed_worker


def main() -> None:
    """Train, log a loss per step and an accuracy per epoch."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--no-seed", action="store_true")
    parser.add_argument("--workers", type=int, default=0)
    options = parser.parse_args()
    generator = None
    if options.no_seed:
        torch.seed()
    else:
        generator = seed_everything(options.seed, deterministic=True).torch_generator()
    x, y = load_digits(return_X_y=True)
    data = TensorDataset(torch.tensor(x / 16.0, dtype=torch.float32), torch.tensor(y))
    loader = DataLoader(
        data,
        batch_size=128,
        shuffle=True,
        num_workers=options.workers,
        worker_init_fn=seed_worker,
        generator=generator,
    )
    model = nn.Sequential(
        nn.Linear(64, 64), nn.BatchNorm1d(64), nn.ReLU(), nn.Dropout(0.2), nn.Linear(64, 10)
    )
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
    with Experiment("examples/digits/torch", config=options) as exp:
        step = 0
        for epoch in range(options.epochs):
            model.train()
            for images, labels in loader:
                loss = nn.functional.cross_entropy(
                    model(images + torch.randn_like(images) * 0.05), labels
                )
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                exp.log_metric("train/loss", loss, step=step)
                step += 1
            model.eval()
            with torch.no_grad():
                acc = (model(data.tensors[0]).argmax(dim=1) == data.tensors[1]).double().mean()
            exp.log_metric("train/acc", acc, step=epoch)


if __name__ == "__main__":
    main()
