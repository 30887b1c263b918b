"""What user code looks like in PyTorch, found by its name when it is pickled."""

from __future__ import annotations

import torch

from anew import Experiment


class Model(torch.nn.Module):
    """A module that logs by itself."""

    def __init__(self, exp: Experiment) -> None:
        super().__init__()
        self.exp = exp
        self.params_of = exp.params
        self.group = exp.metrics("train")
        self.saver = exp.files("models")
        self.inputs = exp.inputs
        self.layer = torch.nn.Linear(1, 1)
