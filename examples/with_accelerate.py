"""Fit a small network to a sine with Accelerate. Then: `anew show examples/sine/accelerate`."""

from __future__ import annotations

import torch
from accelerate import Accelerator
from torch.utils.data import DataLoader, TensorDataset

from anew import Experiment
from anew.integrations.accelerate import AnewTracker


def main() -> None:
    """A loop of one's own, with Accelerate's words for logging."""
    torch.manual_seed(0)
    config = {
        "lr": 1e-2,
        "epochs": 15,
        "batch_size": 64,
        "net": {"width": 32, "activation": "tanh"},
    }
    with Experiment("examples/sine/accelerate", config=config, tags=["example"]) as exp:
        accelerator = Accelerator(cpu=True, log_with=AnewTracker(experiment=exp))
        accelerator.init_trackers("sine", config=config)
        x = torch.linspace(-3, 3, 1024).reshape(-1, 1)
        width = config["net"]["width"]
        model = torch.nn.Sequential(
            torch.nn.Linear(1, width), torch.nn.Tanh(), torch.nn.Linear(width, 1)
        )
        optimizer = torch.optim.Adam(model.parameters(), lr=config["lr"])
        batches = DataLoader(TensorDataset(x, x.sin()), config["batch_size"], shuffle=True)
        model, optimizer, batches = accelerator.prepare(model, optimizer, batches)

        step = 0
        for epoch in range(config["epochs"]):
            for points, truth in batches:
                loss = (model(points) - truth).square().mean()
                optimizer.zero_grad()
                accelerator.backward(loss)
                optimizer.step()
                accelerator.log({"train/loss": loss, "epoch": epoch}, step=step)
                step += 1
        with torch.no_grad():
            error = (model(x) - x.sin()).abs()
        tracker = accelerator.get_tracker("anew")
        rows = torch.cat([x, error], dim=1)[::64].tolist()
        tracker.log_table("errors", columns=["x", "error"], data=rows, step=step)
        accelerator.log({"val/worst": error.max()}, step=step)
        accelerator.end_training()


if __name__ == "__main__":
    main()
