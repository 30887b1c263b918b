"""Search the settings of a classifier of digits with Ray Tune. Then: `anew show examples/digits/tune`."""

from __future__ import annotations

import os
import tempfile

os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")

import numpy as np
import ray
from ray import tune
from sklearn.datasets import load_digits
from sklearn.linear_model import SGDClassifier
from sklearn.model_selection import train_test_split

from anew.integrations.ray_tune import AnewCallback


def train(config: dict) -> None:
    """Train for some epochs, in a process of Ray's."""
    x_train, x_val, y_train, y_val = train_test_split(
        *load_digits(return_X_y=True), test_size=0.3, random_state=0
    )
    model = SGDClassifier(alpha=config["alpha"], loss="log_loss", random_state=0)
    for _ in range(5):
        model.partial_fit(x_train / 16, y_train, classes=np.arange(10))
        tune.report({"val": {"acc": model.score(x_val / 16, y_val)}})


def main() -> None:
    """Try some settings, two at a time."""
    ray.init(num_cpus=2, include_dashboard=False, object_store_memory=80 << 20, log_to_driver=False)
    with tempfile.TemporaryDirectory() as folder:
        tuner = tune.Tuner(
            train,
            param_space={"alpha": tune.grid_search([1e-5, 1e-3, 1e-1])},
            run_config=tune.RunConfig(
                storage_path=folder,
                verbose=0,
                callbacks=[AnewCallback("examples/digits/tune", metric="val/acc", mode="max")],
            ),
        )
        results = tuner.fit()
    best = results.get_best_result("val/acc", "max")
    print(f"best: {best.metrics['val']['acc']:.3f} with {best.config}")
    ray.shutdown()


if __name__ == "__main__":
    main()
