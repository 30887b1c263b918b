"""The parameters of a scikit-learn estimator, and the candidates of a search over them."""

from __future__ import annotations

import math
from typing import Any

from anew import Experiment, Table

from .trials import trial_of

__all__ = ["log_search", "params_of"]


def params_of(model: Any) -> dict[str, Any]:
    """Parameters that are plain values; those of a part, `clf__C`, under its name: `clf.C`."""
    plain = {name: value for name, value in model.get_params().items() if not _has_parts(value)}
    steps = [f"{name}: {type(step).__name__}" for name, step in getattr(model, "steps", ())]
    return {"class": type(model).__name__, **_dotted(plain), **({"steps": steps} if steps else {})}


def _has_parts(value: Any) -> bool:
    listed = isinstance(value, (list, tuple)) and any(_has_parts(one) for one in value)
    return listed or (hasattr(value, "get_params") and not isinstance(value, type))


def log_search(exp: Experiment, search: Any, candidates: bool) -> None:
    """Log a search's candidates as a table, the best first, and which was chosen; as child experiments too if wanted."""
    results, params = search.cv_results_, search.cv_results_["params"]
    shown = [n for n in results if n != "params" and not n.startswith(("param_", "split"))]
    rank = next(name for name in shown if name.startswith("rank_"))
    order = sorted(range(len(params)), key=lambda i: results[rank][i])
    exp.log_value(
        "search", Table([{**{n: results[n][i] for n in shown}, **params[i]} for i in order]), step=0
    )
    exp.params.set(
        {f"best.{name}": v for name, v in _dotted(getattr(search, "best_params_", {})).items()}
    )
    if hasattr(search, "best_score_"):
        exp.log_metric("best_score", search.best_score_, step=int(search.best_index_))
    for i, chosen in enumerate(params if candidates else ()):
        with trial_of(exp, f"candidate-{i}", params=_dotted(chosen)) as child:
            for name in (n for n in results if n.startswith("split")):
                split, _, score = name.removeprefix("split").partition("_")
                child.log_metric(score, results[name][i], step=int(split))
            child.log_metrics({n: results[n][i] for n in shown}, step=0)
            if any(math.isnan(results[n][i]) for n in shown if n.startswith("mean_test")):
                child.run.fail("A fit failed, so there is no score.")


def _dotted(params: Any) -> dict[str, Any]:
    """Parameters with a dot where scikit-learn joins the name of a part to the name of a parameter."""
    return {name.replace("__", "."): value for name, value in params.items()}
