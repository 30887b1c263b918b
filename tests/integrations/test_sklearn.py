"""scikit-learn: what a fit, a search and a fitted model leave in the record."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from anew import Experiment, Status, Store
from anew.errors import InvalidValue
from later import later

from .running import run_example

base = later("sklearn.base")
cluster = later("sklearn.cluster")
compose = later("sklearn.compose")
decomposition = later("sklearn.decomposition")
dummy = later("sklearn.dummy")
ensemble = later("sklearn.ensemble")
linear_model = later("sklearn.linear_model")
metrics = later("sklearn.metrics")
model_selection = later("sklearn.model_selection")
neighbors = later("sklearn.neighbors")
pipeline = later("sklearn.pipeline")
preprocessing = later("sklearn.preprocessing")
svm = later("sklearn.svm")
tree = later("sklearn.tree")
matrices = later("scipy.sparse")
integration = later("anew.integrations.sklearn")
joblib = later("joblib")


@pytest.fixture(autouse=True)
def _here(monkeypatch: pytest.MonkeyPatch, root: Path) -> None:
    monkeypatch.setenv("ANEW_ROOT", str(root))
    monkeypatch.setenv("ANEW_CONSOLE", "off")
    monkeypatch.setenv("ANEW_CAPTURE", "off")
    monkeypatch.setenv("ANEW_SYSTEM_METRICS", "0")


def split(classes: Any, rows: int = 120) -> tuple[Any, Any, Any, Any]:
    """Blobs of points, a class each: x, y, x_test, y_test."""
    rng = np.random.default_rng(0)
    which = np.arange(rows) % len(classes)
    x = rng.normal(size=(rows, 3)) + 2.0 * which[:, None]
    y = np.asarray(classes)[which]
    half = rows // 2
    return x[:half], y[:half], x[half:], y[half:]


def scores(found: Any, data: str) -> set[str]:
    return {name.removeprefix(f"{data}/") for name in found.metrics if name.startswith(f"{data}/")}


ALL = {"accuracy", "precision", "recall", "f1", "log_loss", "roc_auc"}


@pytest.fixture(scope="module")
def example(tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder = tmp_path_factory.mktemp("example")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        with run_example("with_sklearn", folder) as store:
            yield store


@pytest.mark.slow
def test_the_example_leaves_parameters_scores_a_curve_and_the_model(example):
    found = example["examples/digits/net"]
    assert found.status is Status.COMPLETED
    assert (found.params["class"], found.params["learning_rate_init"]) == ("MLPClassifier", 0.01)
    assert scores(found, "train") == scores(found, "test") == ALL
    assert found.metrics["test/accuracy"].last > 0.9
    assert found.metrics["fit/loss_curve"].count > 20
    assert found.metrics["fit/seconds"].last > 0
    (file,) = found.files
    assert (file.prefix, file.name, file.metadata["class"]) == (
        "models",
        "model.joblib",
        "MLPClassifier",
    )
    assert "weights" in found.captured


@pytest.mark.slow
def test_the_example_leaves_what_is_taken_for_what(example):
    found = example["examples/digits/net"]
    (table,) = found.values("test/confusion")
    assert table.data["columns"] == ["true", "predicted", "count"]
    assert sum(count for _, _, count in table.data["rows"]) == 540
    right = sum(count for true, predicted, count in table.data["rows"] if true == predicted)
    assert right / 540 == pytest.approx(found.metrics["test/accuracy"].last)
    (figure,) = found.values("test/confusion_matrix")
    assert figure.path.read_bytes().startswith(b"\x89PNG")


@pytest.mark.slow
def test_the_example_leaves_the_candidates_of_its_search_as_a_table_and_as_children(example):
    found = example["examples/digits/search"]
    (table,) = found.values("search")
    assert "mean_test_score" in table.data["columns"]
    assert "logisticregression__C" in table.data["columns"]
    children = [*found.children()]
    assert [child.params["logisticregression.C"] for child in children] == [0.01, 0.1, 1.0]
    assert all(child.metrics["test_score"].count == 3 for child in children)
    best = max(children, key=lambda child: child.metrics["mean_test_score"].last)
    assert found.params["best.logisticregression.C"] == best.params["logisticregression.C"]
    assert found.metrics["best_score"].last == best.metrics["mean_test_score"].last
    assert {child.status for child in children} == {Status.COMPLETED}
    assert all(child.prefix.startswith("examples/digits/search/") for child in children)


def test_the_scores_of_two_classes_are_those_of_scikit_learn(root):
    x, y, x_test, y_test = split(["no", "yes"])
    model = integration.fit(
        linear_model.LogisticRegression(), x, y, x_test, y_test, experiment="two"
    )
    (found,) = Store(root)
    chances, predicted = model.predict_proba(x_test), model.predict(x_test)
    expected = {
        "accuracy": metrics.accuracy_score(y_test, predicted),
        "f1": metrics.f1_score(y_test, predicted, pos_label="yes"),
        "log_loss": metrics.log_loss(y_test, chances),
        "roc_auc": metrics.roc_auc_score(y_test, chances[:, 1]),
    }
    assert {name: found.metrics[f"test/{name}"].last for name in expected} == expected
    assert (found.name, found.status) == ("two", Status.COMPLETED)


def test_the_running_experiment_is_found_and_stays_the_programs_to_end(root):
    x, y, x_test, y_test = split([0, 1, 2])
    with Experiment("mine") as exp:
        integration.fit(linear_model.LogisticRegression(), x, y, x_test, y_test)
        assert exp.status is Status.RUNNING
    assert scores(Store(root)[exp.id], "test") == ALL
    assert len(Store(root)) == 1


def test_a_model_that_knows_no_probabilities_has_the_scores_it_can_have(root):
    integration.fit(svm.LinearSVC(), *split([0, 1]), experiment="margin")
    integration.fit(svm.LinearSVC(), *split([0, 1, 2]), experiment="margins")
    three, two = Store(root).list()
    assert scores(two, "test") == ALL - {"log_loss"}
    assert scores(three, "test") == ALL - {"log_loss", "roc_auc"}


def test_test_data_without_some_classes_or_with_new_ones_are_scored(root):
    x, y, x_test, y_test = split([0, 1, 2])
    model = linear_model.LogisticRegression().fit(x, y)
    one = y_test == 0
    integration.log_fit(model, x_test[one], y_test[one], experiment="missing")
    integration.log_fit(model, x_test, y_test + 1, experiment="new")
    integration.log_fit(
        linear_model.LogisticRegression().fit(x[y < 2], y[y < 2]),
        x_test,
        y_test,
        experiment="third",
    )
    third, new, missing = Store(root).list()
    assert scores(third, "test") == ALL - {"roc_auc", "log_loss"}
    assert scores(missing, "test") == ALL - {"roc_auc"}
    assert scores(new, "test") == ALL - {"roc_auc", "log_loss"}
    assert {true for true, _, _ in new.values("test/confusion")[0].data["rows"]} == {"1", "2", "3"}


def test_several_labels_at_once_are_scored_without_a_confusion_matrix(root):
    x, y, x_test, _ = split([0, 1])
    both = np.stack([y, 1 - y], axis=1)
    integration.fit(neighbors.KNeighborsClassifier(), x, both, x_test, both, experiment="labels")
    integration.fit(
        neighbors.KNeighborsClassifier(),
        x,
        both + np.array([0, 1]),
        x_test,
        both + np.array([0, 1]),
        experiment="outputs",
    )
    outputs, labels = Store(root).list()
    assert scores(labels, "test") == {"accuracy", "precision", "recall", "f1"}
    assert not labels.values()
    assert scores(outputs, "test") == {"accuracy/0", "accuracy/1"}


def test_a_regressor_has_its_scores_and_its_curve(root):
    x, _, x_test, _ = split([0, 1])
    model = ensemble.HistGradientBoostingRegressor(max_iter=12, early_stopping=True)
    integration.fit(model, x, x[:, 0], x_test, x_test[:, 0], experiment="trees")
    integration.fit(
        linear_model.LinearRegression(),
        x,
        x[:, :2],
        x_test[:1],
        x_test[:1, :2],
        experiment="one row, two targets",
    )
    one, trees = Store(root).list()
    assert scores(trees, "test") == {"r2", "mae", "rmse"}
    assert (
        trees.metrics["fit/validation_score"].count == trees.metrics["fit/train_score"].count == 13
    )
    assert scores(one, "test") == {"mae", "rmse"}


def test_models_that_nobody_teaches_are_scored_as_what_they_are(root):
    x, _, x_test, y_test = split([0, 1, 2])
    integration.fit(
        cluster.KMeans(3, n_init=1, random_state=0), x, None, x_test, y_test, experiment="means"
    )
    integration.fit(cluster.DBSCAN(eps=1.5), x, None, x_test[:30], experiment="density")
    integration.fit(ensemble.IsolationForest(n_estimators=5), x, experiment="outliers")
    integration.fit(decomposition.PCA(2), x, None, x_test, experiment="components")
    components, outliers, density, means = Store(root).list()
    assert scores(means, "test") == {"clusters", "silhouette", "adjusted_rand"}
    assert means.metrics["test/clusters"].last == 3
    assert "clusters" in scores(density, "train")
    assert not scores(density, "test")  # it cannot say anything about data it was not fitted on
    assert 0 <= outliers.metrics["train/outliers"].last <= 1
    assert scores(components, "test") == {"score"}


def test_the_parameters_of_a_pipeline_are_found_under_the_names_of_its_parts(root):
    frame = pd.DataFrame({"a": np.arange(40.0), "b": np.arange(40) % 2})
    prepare = compose.ColumnTransformer(
        [("scale", preprocessing.StandardScaler(), ["a"])], remainder="passthrough"
    )
    vote = ensemble.VotingClassifier(
        [("tree", tree.DecisionTreeClassifier()), ("line", linear_model.LogisticRegression(C=0.5))]
    )
    integration.fit(
        pipeline.Pipeline([("prepare", prepare), ("vote", vote)]),
        frame,
        frame["b"],
        experiment="parts",
    )
    (found,) = Store(root)
    assert found.params["steps"] == ["prepare: ColumnTransformer", "vote: VotingClassifier"]
    assert found.params["vote.line.C"] == 0.5
    assert found.params["prepare.remainder"] == "passthrough"
    assert not [
        name for name in ("prepare.transformers", "vote.estimators") if name in found.params
    ]
    assert len(Store(root).list("params.vote.line.C == 0.5 and params.class == 'Pipeline'")) == 1


def test_a_search_over_the_parts_themselves_and_with_several_scores_is_recorded(root):
    x, y, x_test, y_test = split([0, 1])
    search = model_selection.GridSearchCV(
        pipeline.Pipeline([("clf", svm.SVC())]),
        [{"clf": [svm.SVC()], "clf__C": [1.0, 2.0]}, {"clf": [linear_model.LogisticRegression()]}],
        scoring=["accuracy", "f1"],
        refit=False,
        cv=2,
    )
    integration.fit(
        search, x, y, x_test, y_test, experiment="search", candidates=True, model_file=None
    )
    found = next(one for one in Store(root) if one.name == "search")
    (table,) = found.values("search")
    assert {"mean_test_accuracy", "mean_test_f1", "clf", "clf__C"} <= {*table.data["columns"]}
    assert len(found.children()) == 3
    assert (found.status, found.files) == (Status.COMPLETED, ())


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.FitFailedWarning")
@pytest.mark.filterwarnings("ignore:One or more of the test scores are non-finite")
def test_a_candidate_whose_fit_failed_is_a_child_that_failed(root):
    x, y, _, _ = split([0, 1])
    search = model_selection.GridSearchCV(
        neighbors.KNeighborsClassifier(), {"n_neighbors": [3, 500]}, cv=2
    )
    search.error_score = np.nan
    search.param_grid = {"n_neighbors": [3], "p": [2, -1]}
    integration.fit(search, x, y, experiment="search", candidates=True)
    found = next(one for one in Store(root) if one.name == "search")
    assert [child.status for child in found.children()] == [Status.COMPLETED, Status.FAILED]


@pytest.mark.slow
def test_a_model_comes_back_from_its_file_as_it_was(root):
    import skops.io  # takes seconds, which collecting this file need not

    x, y, x_test, y_test = split([0, 1])
    model = pipeline.make_pipeline(
        preprocessing.StandardScaler(), linear_model.LogisticRegression()
    )
    integration.fit(model, x, y, x_test, y_test, experiment="joblib")
    integration.log_fit(model, x_test, y_test, experiment="skops", model_file="deep/final.skops")
    skopsed, joblibed = Store(root).list()
    again = joblib.load(joblibed.files[0].path)
    assert np.array_equal(again.predict_proba(x_test), model.predict_proba(x_test))
    again = skops.io.load(skopsed.files[0].path)
    assert np.array_equal(again.predict_proba(x_test), model.predict_proba(x_test))
    assert skopsed.files[0].name == "deep/final.skops"
    assert skopsed.files[0].metadata["scikit-learn"].startswith("1.")


def test_the_arrays_of_a_model_are_a_version_of_weights(root):
    from anew.weights import Repository

    x, y, _, _ = split([0, 1])
    model = integration.fit(
        pipeline.make_pipeline(preprocessing.StandardScaler(), linear_model.LogisticRegression()),
        x,
        y,
        experiment="w",
        weights=True,
    )
    (found,) = Store(root)
    kept = Repository(root / "weights").get_all_weights(found.captured["weights"]["commit"])
    assert np.array_equal(kept["coef_"], model[-1].coef_)


def test_what_cannot_be_recorded_of_a_model_is_told_and_does_not_fail_its_fit(root):
    x, y, x_test, y_test = split([0, 1])
    model = pipeline.make_pipeline(
        preprocessing.FunctionTransformer(lambda x: x), linear_model.LogisticRegression()
    )
    with pytest.warns(RuntimeWarning, match="model's file could not be recorded: .*pickle"):
        integration.fit(model, x, y, x_test, y_test, experiment="lambda")
    (found,) = Store(root)
    assert found.status is Status.COMPLETED
    assert scores(found, "test") == ALL
    (line,) = found.logs(level="error")
    assert "file could not be recorded" in line.message


def test_estimators_of_other_libraries_are_scored_as_scikit_learns_are(root):
    from catboost import CatBoostClassifier

    model = CatBoostClassifier(iterations=2, verbose=False, allow_writing_files=False)
    integration.fit(model, *split([0, 1, 2]), experiment="cat")
    assert scores(Store(root).list()[0], "test") == ALL


def test_data_of_one_class_and_sparse_data_are_scored_without_a_warning(root):
    x, y, x_test, y_test = split([1])
    integration.fit(dummy.DummyClassifier(), x, y, x_test, y_test, experiment="one class")
    integration.fit(
        cluster.KMeans(2, n_init=1, random_state=0), matrices.csr_matrix(x), experiment="sparse"
    )
    sparse, one = Store(root).list()
    assert scores(one, "test") == {"accuracy", "precision", "recall", "f1"}
    assert not one.values()
    assert scores(sparse, "train") == {"clusters", "silhouette"}


def stubborn() -> Any:
    class Stubborn(base.ClassifierMixin, base.BaseEstimator):
        def fit(self, x, y):
            raise ArithmeticError("will not")

    return Stubborn()


def test_a_fit_that_raises_fails_the_experiment_and_keeps_the_parameters(root):
    x, y, _, _ = split([0, 1])
    with pytest.raises(ArithmeticError):
        integration.fit(stubborn(), x, y, experiment="stubborn", tags=["odd"])
    (found,) = Store(root)
    assert (found.status, found.reason) == (Status.FAILED, "ArithmeticError: will not")
    assert (found.params["class"], found.tags) == ("Stubborn", {"odd": None})


def test_what_cannot_be_right_is_refused_before_the_fit(root):
    x, y, x_test, _ = split([0, 1])
    with pytest.raises(InvalidValue):
        integration.fit(stubborn(), x, y, model_file="model.pkl")
    with pytest.raises(InvalidValue):
        integration.fit(stubborn(), x, y, x_test)
    assert not root.exists()


def test_weights_of_rows_reach_the_fit(root):
    x, y, _, _ = split([0, 1])
    model = integration.fit(
        linear_model.LogisticRegression(),
        x,
        y,
        experiment="w",
        fit_params={"sample_weight": y + 1e-9},
    )
    assert (model.predict(x) == 1).all()


def test_so_many_classes_that_no_figure_has_room_for_them_have_the_table_alone(root):
    x, y, x_test, y_test = split(range(60), rows=240)
    integration.fit(
        tree.DecisionTreeClassifier(), x, y, x_test, y_test, experiment="many", model_file=None
    )
    (found,) = Store(root)
    assert {value.name for value in found.values()} == {"test/confusion"}
    assert json.dumps(found.values()[0].data)
