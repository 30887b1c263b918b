"""XGBoost and LightGBM: `train`, which their estimators call as well."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any

from .. import calls
from .sessions import Session

__all__ = ["fitted", "lightgbm_trained", "xgboost_trained"]

_NO_PARAMETERS = frozenset((
    "callbacks", "dtrain", "evals", "evals_result", "feval", "fobj", "init_model", "learning_rates", "obj",
    "params", "train_set", "valid_names", "valid_sets", "xgb_model",
))  # fmt: skip


def fitted(
    session: Session, original: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Any:
    """Call an estimator's `fit`, record the `train` that it calls, and keep the estimator in place of its booster."""
    with session.outside():
        made = original(*args, **kwargs)
    x = args[1] if len(args) > 1 else kwargs.get("X")
    session.log_model(args[0], inputs=x)
    return made


def _arguments(
    original: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
) -> dict[str, Any]:
    bound = inspect.signature(original).bind(*args, **kwargs)
    bound.apply_defaults()
    return bound.arguments


def _log_before(session: Session, given: Mapping[str, Any]) -> None:
    session.log_params(dict(given["params"]))
    own = {name: value for name, value in given.items() if name not in _NO_PARAMETERS}
    session.log_params(own)


def _metric(data: str, name: str) -> str:
    return f"{data}-{name}".replace("@", "_at_")


def xgboost_trained(
    session: Session, original: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Any:
    """Train, and record parameters, the metrics of each round, what mattered, and the booster."""
    import xgboost

    rounds: list[dict[str, float]] = []

    class Rounds(xgboost.callback.TrainingCallback):
        def after_iteration(self, model: Any, epoch: int, evals_log: Any) -> bool:
            found = {
                _metric(data, name): float(values[-1][0] if isinstance(values[-1], tuple) else values[-1])
                for data, metrics in evals_log.items()
                for name, values in metrics.items()
            }  # fmt: skip
            rounds.append(found)
            if found:
                session.keep(calls.log_metrics, found, step=epoch)
            return False

    given = _arguments(original, args, kwargs)
    session.keep(_log_before, session, given)
    session.keep(_log_matrix, session, given["dtrain"], "train")
    for data, name in given["evals"] or ():
        session.keep(_log_matrix, session, data, "eval", name)
    given["callbacks"] = [*(given["callbacks"] or ()), Rounds()]
    model = original(**given)
    best = session.keep(lambda: getattr(model, "best_iteration", None))
    if given.get("early_stopping_rounds") is not None and best is not None:
        session.keep(_log_stop, rounds, int(best), int(best), len(rounds) - 1)
    for kind in session.options.get("importance_types") or ("weight",):
        session.keep(_log_importance, kind, model.get_score(importance_type=kind))
    session.log_model(model)
    return model


def lightgbm_trained(
    session: Session, original: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Any:
    """Train, and record parameters, the metrics of each round, what mattered, and the booster."""
    rounds: list[dict[str, float]] = []

    def each(env: Any) -> None:
        found = {_metric(one[0], one[1]): float(one[2]) for one in env.evaluation_result_list or ()}
        rounds.append(found)
        if found:
            session.keep(calls.log_metrics, found, step=env.iteration)

    given = _arguments(original, args, kwargs)
    session.keep(_log_before, session, given)
    session.keep(_log_set, session, given["train_set"], "train")
    names = given["valid_names"] or ()
    for at, data in enumerate(given["valid_sets"] or ()):
        session.keep(_log_set, session, data, "eval", names[at] if at < len(names) else None)
    given["callbacks"] = [*(given["callbacks"] or ()), each]
    model = original(**given)
    if model.best_iteration > 0:
        session.keep(_log_stop, rounds, model.best_iteration, model.best_iteration - 1, len(rounds))
    for kind in ("split", "gain"):
        names = model.feature_name()
        values = model.feature_importance(importance_type=kind).tolist()
        session.keep(_log_importance, kind, dict(zip(names, values, strict=True)))
    session.log_model(model)
    return model


def _log_matrix(session: Session, data: Any, context: str, name: str | None = None) -> None:
    session.log_dataset(data.get_data().toarray(), data.get_label(), context, name)


def _log_set(session: Session, data: Any, context: str, name: str | None = None) -> None:
    session.log_dataset(data.data, data.label, context, name)


def _log_stop(rounds: list[dict[str, float]], best: int, at: int, stopped: int) -> None:
    """Where training stopped, and the metrics of the best round after all others, as MLflow has them."""
    calls.log_metrics({"stopped_iteration": stopped, "best_iteration": best})
    if 0 <= at < len(rounds) and rounds[at]:
        calls.log_metrics(rounds[at], step=len(rounds))


def _log_importance(kind: str, importance: Mapping[str, Any]) -> None:
    calls.log_dict(dict(importance), f"feature_importance_{kind}.json")
    try:
        from matplotlib.figure import Figure
    except ImportError:
        return
    ordered = sorted(importance.items(), key=lambda item: abs(_size(item[1])))
    figure = Figure(figsize=(6.4, 4.8 + 0.1 * max(0, len(ordered) - 10)), layout="tight")
    axes = figure.subplots()
    axes.barh([name for name, _ in ordered], [_size(value) for _, value in ordered], height=0.5)
    axes.set_xlabel("Importance")
    axes.set_title(f"Feature Importance ({kind})")
    calls.log_figure(figure, f"feature_importance_{kind}.png")


def _size(value: Any) -> float:
    return float(sum(map(abs, value))) if isinstance(value, (list, tuple)) else float(value)
