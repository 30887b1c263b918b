"""Fit two kinds of model on scikit-learn's digits, and a search. Then: `anew show examples/digits/search`."""

from __future__ import annotations

from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, train_test_split
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler

from anew.integrations.sklearn import fit

x_train, x_test, y_train, y_test = train_test_split(
    *load_digits(return_X_y=True), test_size=0.3, random_state=0
)

net = MLPClassifier((32,), max_iter=400, tol=1e-3, learning_rate_init=0.01, random_state=0)
fit(net, x_train / 16, y_train, x_test / 16, y_test, experiment="examples/digits/net", weights=True)

search = GridSearchCV(
    make_pipeline(MinMaxScaler(), LogisticRegression(max_iter=500)),
    {"logisticregression__C": [0.01, 0.1, 1.0]},
    cv=3,
)
fit(
    search,
    x_train,
    y_train,
    x_test,
    y_test,
    experiment="examples/digits/search",
    candidates=True,
)
print(f"best: {search.best_params_}, right on the test set: {search.score(x_test, y_test):.1%}")
