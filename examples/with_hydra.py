"""Train on scikit-learn's digits with a configuration of Hydra's, which opens the experiment.

    python examples/with_hydra.py lr=0.03
    python examples/with_hydra.py --multirun lr=0.003,0.03 net.width=8,32

Then: `anew list`. The callback is named in `with_hydra.yaml`.
"""

from __future__ import annotations

import hydra
import numpy as np
from omegaconf import DictConfig
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier

import anew


@hydra.main(version_base=None, config_path=".", config_name="with_hydra")
def train(config: DictConfig) -> float:
    """Log a curve; what is returned is the experiment's `value`."""
    x, y = load_digits(return_X_y=True)
    x_train, x_val, y_train, y_val = train_test_split(
        x / 16, y, test_size=config.data.test_size, random_state=config.seed
    )
    model = MLPClassifier(
        (config.net.width,), learning_rate_init=config.lr, random_state=config.seed
    )
    for epoch in range(config.net.epochs):
        model.partial_fit(x_train, y_train, classes=np.arange(10))
        accuracy = model.score(x_val, y_val)
        anew.log_metrics({"train/loss": model.loss_, "val/acc": accuracy}, step=epoch)
    return accuracy


if __name__ == "__main__":
    train()
