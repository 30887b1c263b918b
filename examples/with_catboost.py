"""Boost trees on scikit-learn's table of diabetes with CatBoost. Then: `anew show examples/diabetes/catboost`."""

from __future__ import annotations

from catboost import CatBoostRegressor, Pool
from sklearn.datasets import load_diabetes
from sklearn.model_selection import train_test_split

from anew.integrations.catboost import AnewCallback

data = load_diabetes()
x_train, x_val, y_train, y_val = train_test_split(
    data.data, data.target, test_size=0.3, random_state=0
)
train = Pool(x_train, y_train, feature_names=list(data.feature_names))
val = Pool(x_val, y_val, feature_names=list(data.feature_names))
model = CatBoostRegressor(
    iterations=300,
    depth=4,
    learning_rate=0.1,
    eval_metric="MAE",
    early_stopping_rounds=20,
    random_seed=0,
    thread_count=2,
    verbose=False,
    allow_writing_files=False,  # or CatBoost leaves a folder catboost_info here
)

with AnewCallback("examples/diabetes/catboost", model_file="model.cbm") as callback:
    model.fit(train, eval_set=val, callbacks=[callback])
    callback.log_model(model)
