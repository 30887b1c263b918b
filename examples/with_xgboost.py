"""Boost trees on scikit-learn's table of tumours with XGBoost. Then: `anew show examples/tumours/xgboost`."""

from __future__ import annotations

import xgboost
from sklearn.datasets import load_breast_cancer
from sklearn.model_selection import train_test_split

from anew.integrations.xgboost import AnewCallback

data = load_breast_cancer()
x_train, x_val, y_train, y_val = train_test_split(
    data.data, data.target, test_size=0.3, random_state=0
)
names = [str(name) for name in data.feature_names]
train = xgboost.DMatrix(x_train, y_train, feature_names=names)
val = xgboost.DMatrix(x_val, y_val, feature_names=names)
params = {
    "objective": "binary:logistic",
    "eval_metric": ["logloss", "auc"],
    "eta": 0.1,
    "max_depth": 4,
    "nthread": 2,
    "seed": 0,
}

with AnewCallback("examples/tumours/xgboost", model_file="model.json") as callback:
    xgboost.train(
        params,
        train,
        num_boost_round=200,
        evals=[(train, "train"), (val, "val")],
        early_stopping_rounds=10,
        callbacks=[callback],
        verbose_eval=False,
    )
