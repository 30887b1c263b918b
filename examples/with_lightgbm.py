"""Boost trees on scikit-learn's digits with LightGBM. Then: `anew show examples/digits/lightgbm`."""

from __future__ import annotations

import lightgbm
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from anew.integrations.lightgbm import AnewCallback

x_train, x_val, y_train, y_val = train_test_split(
    *load_digits(return_X_y=True), test_size=0.3, random_state=0
)
train = lightgbm.Dataset(x_train, y_train)
val = lightgbm.Dataset(x_val, y_val, reference=train)
params = {
    "objective": "multiclass",
    "num_class": 10,
    "metric": ["multi_logloss", "multi_error"],
    "learning_rate": 0.3,
    "num_leaves": 8,
    "num_threads": 2,
    "seed": 0,
    "verbosity": -1,
}

with AnewCallback("examples/digits/lightgbm", model_file="model.txt") as callback:
    lightgbm.train(
        params,
        train,
        num_boost_round=100,
        valid_sets=[train, val],
        valid_names=["train", "val"],
        callbacks=[callback, lightgbm.early_stopping(5, verbose=False)],
    )
