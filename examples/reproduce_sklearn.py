"""Train a small network with scikit-learn so that `anew reproduce` gets the same curve, bit for bit.

    python examples/reproduce_sklearn.py
    anew reproduce examples/digits/sklearn

`--no-seed` leaves the seed out: the re-run diverges, and the missing seed is named.
"""

from __future__ import annotations

import argparse

import numpy as np
from sklearn.datasets import load_digits
from sklearn.metrics import log_loss
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier

from anew import Experiment, seed_everything


def main() -> None:
    """Train, log a loss and an accuracy per epoch."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--width", type=int, default=32)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--no-seed", action="store_true")
    options = parser.parse_args()
    if not options.no_seed:
        seed_everything(options.seed)
    x, y = load_digits(return_X_y=True)
    # Without a random_state of their own, these draw from numpy's global generator.
    x_train, x_val, y_train, y_val = train_test_split(x / 16.0, y, test_size=0.25)
    with Experiment("examples/digits/sklearn", config=options) as exp:
        model = MLPClassifier((options.width,), learning_rate_init=0.003)
        for epoch in range(options.epochs):
            model.partial_fit(x_train, y_train, classes=np.arange(10))
            probabilities = model.predict_proba(x_val)
            exp.log_metrics(
                {
                    "train/loss": model.loss_,
                    "val/loss": log_loss(y_val, probabilities, labels=np.arange(10)),
                    "val/acc": np.mean(probabilities.argmax(axis=1) == y_val),
                },
                step=epoch,
            )


if __name__ == "__main__":
    main()
