"""Train a small network on handwritten digits in plain PyTorch. Then: `anew show examples/digits/pytorch`."""

from __future__ import annotations

import torch
from sklearn.datasets import load_digits

import anew
from anew import Experiment
from anew.integrations.pytorch import watch

EPOCHS, BATCH = 5, 64

anew.seed_everything(0)
digits = load_digits()
images = torch.tensor(digits.data, dtype=torch.float32) / 16
labels = torch.tensor(digits.target)
model = torch.nn.Sequential(torch.nn.Linear(64, 32), torch.nn.ReLU(), torch.nn.Linear(32, 10))
optimizer = torch.optim.Adam(model.parameters(), lr=0.01)

with Experiment("examples/digits/pytorch", params={"lr": 0.01, "batch": BATCH}) as exp:
    watch(model, log="all", every=50)
    step = 0
    for _ in range(EPOCHS):
        for rows in torch.randperm(len(images)).split(BATCH):
            scores = model(images[rows])
            loss = torch.nn.functional.cross_entropy(scores, labels[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            exp.log_metric("train/loss", loss, step)
            step += 1
    right = (model(images).argmax(dim=1) == labels).float().mean()
    exp.log_metric("train/acc", right, step)
    print(f"right: {right:.1%}")
