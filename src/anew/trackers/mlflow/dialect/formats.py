"""How a model is kept: in its library's own format where that is data alone, else as a pickle, which is loaded only on trust."""

from __future__ import annotations

import os
import pickle
from typing import Any

from . import skeleton
from .exceptions import MlflowException

__all__ = ["RUNS_CODE", "components_of", "flavor_of", "read", "write"]

RUNS_CODE = frozenset(("pickle", "skeleton"))
"""The formats that run what is in them when they are loaded."""

_FLAVORS = {
    "catboost": "catboost",
    "keras": "keras",
    "lightgbm": "lightgbm",
    "lightning": "pytorch",
    "pytorch_lightning": "pytorch",
    "sklearn": "sklearn",
    "tensorflow": "keras",
    "torch": "pytorch",
    "transformers": "transformers",
    "xgboost": "xgboost",
}
_PIPELINE = ("tokenizer", "feature_extractor", "image_processor", "processor")
# Classes that skops does not know, and that hold nothing but data.
_PLAIN = frozenset(
    (
        "collections.OrderedDict",
        "collections.defaultdict",
        "lightgbm.basic.Booster",
        "lightgbm.sklearn.LGBMClassifier",
        "lightgbm.sklearn.LGBMRanker",
        "lightgbm.sklearn.LGBMRegressor",
        "lightgbm.sklearn.LGBMModel",
        "sklearn.calibration._CalibratedClassifier",
        "xgboost.core.Booster",
        "xgboost.sklearn.XGBClassifier",
        "xgboost.sklearn.XGBRegressor",
    )
)


def flavor_of(model: Any) -> str:
    """Which of MLflow's flavors a model is of: that of the library which its class, or the first of its bases, is from."""
    if isinstance(model, dict) and "model" in model:
        return flavor_of(model["model"])
    for cls in type(model).__mro__:
        found = _FLAVORS.get(cls.__module__.partition(".")[0])
        if found is not None:
            return found
    return "pyfunc"


def write(model: Any, folder: str, flavor: str, *, pickled: bool = False) -> dict[str, Any]:
    """Write a model into an empty folder; returns in which format, and under which names.

    Args:
        pickled: Whether the program asks for a pickle.

    Raises:
        Exception: The model cannot be written at all.
    """
    own = None if pickled else _OWN.get(flavor)
    if own is not None and (found := own(model, folder)) is not None:
        return found
    if flavor == "pytorch" and callable(getattr(model, "state_dict", None)):
        skeleton.dump(model, os.path.join(folder, "structure.pkl"))
        return {"format": "skeleton", "file": "structure.pkl"}
    try:
        import cloudpickle as pickler
    except ImportError:
        pickler = pickle
    with open(os.path.join(folder, "model.pkl"), "wb") as file:
        pickler.dump(model, file)
    return {"format": "pickle", "file": "model.pkl"}


def read(about: dict[str, Any], folder: str, *, trust: bool) -> Any:
    """The model that `write` wrote; of a skeleton, with empty tensors.

    Raises:
        MlflowException: It is in a format that runs code, and not trusted; or its format is unknown.
    """
    kind = about.get("format")
    if kind in RUNS_CODE and not trust:
        raise MlflowException(
            "This model was kept as a pickle, which runs the code in it when it is loaded. Give trust=True if you know who "
            "made it; or, where it has tensors, make the model and fill it: load_model(uri, into=model)."
        )
    if kind == "skeleton":
        return skeleton.load(os.path.join(folder, about["file"]))
    if kind == "pickle":
        with open(os.path.join(folder, about["file"]), "rb") as file:
            return pickle.load(file)  # noqa: S301  (only where the program says that it trusts it)
    reader = _READERS.get(kind or "")
    if reader is None:
        raise MlflowException("Only a description of this model was kept, and no model.")
    return reader(about, folder, trust)


# -- skops ---------------------------------------------------------------------------------------------


def _write_skops(model: Any, folder: str) -> dict[str, Any] | None:
    try:
        import skops.io
    except ImportError:
        return None
    path = os.path.join(folder, "model.skops")
    try:
        skops.io.dump(model, path)
    except Exception:  # noqa: BLE001  (whatever a stranger's estimator holds: a pickle may hold it)
        if os.path.exists(path):
            os.remove(path)
        return None
    return {"format": "skops", "file": "model.skops"}


def _read_skops(about: dict[str, Any], folder: str, trust: bool) -> Any:
    import skops.io

    path = os.path.join(folder, about["file"])
    unknown = skops.io.get_untrusted_types(file=path)
    foreign = [name for name in unknown if name not in _PLAIN]
    if foreign and not trust:
        raise MlflowException(
            f"This model has parts that may run code, or crash the process, when they are loaded: {', '.join(foreign)}. "
            "Give trust=True if you know who made it."
        )
    return skops.io.load(path, trusted=unknown)


# -- boosters ------------------------------------------------------------------------------------------


def _write_xgboost(model: Any, folder: str) -> dict[str, Any]:
    model.save_model(os.path.join(folder, "model.ubj"))
    return {"format": "ubj", "file": "model.ubj", "class_name": type(model).__name__}


def _read_xgboost(about: dict[str, Any], folder: str, trust: bool) -> Any:
    import xgboost

    return _loaded(about, folder, xgboost, "Booster")


def _write_catboost(model: Any, folder: str) -> dict[str, Any]:
    model.save_model(os.path.join(folder, "model.cbm"))
    return {"format": "cbm", "file": "model.cbm", "class_name": type(model).__name__}


def _read_catboost(about: dict[str, Any], folder: str, trust: bool) -> Any:
    import catboost

    return _loaded(about, folder, catboost, "CatBoost")


def _loaded(about: dict[str, Any], folder: str, library: Any, otherwise: str) -> Any:
    name = about.get("class_name", otherwise)
    cls = getattr(library, name, None) if name in library.__all__ else None
    model = (cls or getattr(library, otherwise))()
    model.load_model(os.path.join(folder, about["file"]))
    return model


def _write_lightgbm(model: Any, folder: str) -> dict[str, Any] | None:
    if not hasattr(model, "save_model"):
        # A classifier or regressor is more than its booster.
        found = _write_skops(model, folder)
        if found is not None:
            model.booster_.save_model(os.path.join(folder, "model.txt"))
        return found
    model.save_model(os.path.join(folder, "model.txt"))
    return {"format": "txt", "file": "model.txt"}


def _read_lightgbm(about: dict[str, Any], folder: str, trust: bool) -> Any:
    import lightgbm

    return lightgbm.Booster(model_file=os.path.join(folder, about["file"]))


# -- networks ------------------------------------------------------------------------------------------


def components_of(model: Any) -> dict[str, Any]:
    """A model of Transformers and what belongs to it: of a pipeline or a mapping its parts, else the model alone."""
    if isinstance(model, dict):
        return model
    if hasattr(model, "task") and hasattr(model, "model"):
        named = {name: getattr(model, name, None) for name in _PIPELINE}
        return {"model": model.model, **{k: v for k, v in named.items() if v is not None}}
    return {"model": model}


def _write_transformers(model: Any, folder: str) -> dict[str, Any] | None:
    parts = components_of(model)
    classes = {}
    for name, part in parts.items():
        if not callable(getattr(part, "save_pretrained", None)):
            return None
        part.save_pretrained(os.path.join(folder, name) if name != "model" else folder)
        classes[name] = type(part).__name__
    found: dict[str, Any] = {"format": "pretrained", "classes": classes}
    if isinstance(model, dict) or not hasattr(model, "task"):
        return found
    return found | {"task": model.task}


def _read_transformers(about: dict[str, Any], folder: str, trust: bool) -> Any:
    import transformers

    parts = {}
    for name, called in about["classes"].items():
        cls = getattr(transformers, called, None)
        if cls is None or not hasattr(cls, "from_pretrained"):
            raise MlflowException(f"{called!r} is no class of transformers that can be loaded.")
        where = os.path.join(folder, name) if name != "model" else folder
        parts[name] = cls.from_pretrained(where, local_files_only=True)
    if "task" in about:
        return transformers.pipeline(about["task"], **parts)
    return parts["model"] if len(parts) == 1 else parts


def _write_keras(model: Any, folder: str) -> dict[str, Any] | None:
    model.save(os.path.join(folder, "model.keras"))
    return {"format": "keras", "file": "model.keras"}


def _read_keras(about: dict[str, Any], folder: str, trust: bool) -> Any:
    import keras

    return keras.saving.load_model(os.path.join(folder, about["file"]), safe_mode=not trust)


_OWN = {
    "catboost": _write_catboost,
    "keras": _write_keras,
    "lightgbm": _write_lightgbm,
    "sklearn": _write_skops,
    "transformers": _write_transformers,
    "xgboost": _write_xgboost,
}
_READERS = {
    "cbm": _read_catboost,
    "keras": _read_keras,
    "pretrained": _read_transformers,
    "skops": _read_skops,
    "txt": _read_lightgbm,
    "ubj": _read_xgboost,
}
