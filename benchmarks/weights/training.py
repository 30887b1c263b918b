"""Checkpoints of a real training and a real fine-tuning: a small language model on Python's own library.

Run as a script it writes them: `python training.py FOLDER COUNT`.
"""

from __future__ import annotations

import sys
import sysconfig
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn


class Model(nn.Module):
    """A transformer over bytes."""

    def __init__(self, width: int, layers: int) -> None:
        super().__init__()
        self.embed = nn.Embedding(256, width)
        self.place = nn.Embedding(128, width)
        layer = nn.TransformerEncoderLayer(
            width, 4, 4 * width, dropout=0.0, batch_first=True, norm_first=True
        )
        self.body = nn.TransformerEncoder(layer, layers, enable_nested_tensor=False)
        self.head = nn.Linear(width, 256, bias=False)

    def forward(self, tokens: Any) -> Any:
        """Logits of the next byte."""
        length = tokens.shape[1]
        hidden = self.embed(tokens) + self.place(torch.arange(length))
        mask = nn.Transformer.generate_square_subsequent_mask(length)
        return self.head(self.body(hidden, mask=mask, is_causal=True))


def _text(kind: str) -> Any:
    folder = Path(sysconfig.get_paths()["stdlib"])
    files = sorted((folder / "json" if kind == "tuned" else folder).glob("*.py"))
    data = b"".join(path.read_bytes() for path in files)[:2_000_000]
    return torch.from_numpy(np.frombuffer(data, np.uint8).astype(np.int64))


def _steps(model: Model, optimizer: Any, text: Any, count: int) -> None:
    for _ in range(count):
        starts = torch.randint(0, len(text) - 65, (8,))
        batch = torch.stack([text[s : s + 65] for s in starts])
        loss = nn.functional.cross_entropy(
            model(batch[:, :-1]).flatten(0, 1), batch[:, 1:].flatten()
        )
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()


def _save(folder: Path, number: int, tensors: dict[str, Any]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    np.savez(folder / f"{number:03d}.npz", **{n: t.detach().numpy() for n, t in tensors.items()})


def make(folder: Path, count: int, width: int, layers: int, steps: int) -> None:
    """Write `count` checkpoints of each kind as npz files, `trained/` with Adam's state and `tuned/`."""
    torch.manual_seed(0)
    # One: two threads that wait for each other are slower when others use the cores too.
    torch.set_num_threads(1)
    model = Model(width, layers)
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-4)
    for number in range(count):
        _steps(model, optimizer, _text("trained"), steps)
        state = {f"model/{n}": t for n, t in model.state_dict().items()}
        for index, values in optimizer.state_dict()["state"].items():
            state |= {f"optimizer/{index}/{name}": value for name, value in values.items()}
        _save(folder / "trained", number, state)
    for parameter in [*model.embed.parameters(), *model.place.parameters()]:
        parameter.requires_grad_(False)
    trainable = [p for p in model.parameters() if p.requires_grad]
    tuner = torch.optim.AdamW(trainable, lr=1e-5)
    for number in range(count):
        _steps(model, tuner, _text("tuned"), steps)
        _save(folder / "tuned", number, dict(model.state_dict()))


if __name__ == "__main__":
    make(Path(sys.argv[1]), *(int(argument) for argument in sys.argv[2:6]))
