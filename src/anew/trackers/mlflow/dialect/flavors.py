"""Models as `mlflow.<flavor>.log_model` keeps them here: their tensors and their own files, never a pickle."""

from __future__ import annotations

import os
import tempfile
import warnings
from dataclasses import dataclass
from typing import Any

import anew
from anew.errors import AnewError

from . import artifacts, fluent, places, registered, writing
from .exceptions import MlflowException

__all__ = [
    "ModelInfo",
    "ModelSignature",
    "PythonModel",
    "infer_signature",
    "load_model",
    "log_model",
    "log_state_dict",
]

# What the first argument is called, by flavor; a program may give it by name.
_MODELS = (
    "model", "sk_model", "pytorch_model", "xgb_model", "lgb_model", "cb_model", "transformers_model",
    "python_model",
)  # fmt: skip
_told: set[str] = set()


@dataclass(frozen=True)
class ModelSignature:
    """What a model takes and gives: names, types and shapes."""

    inputs: Any = None
    outputs: Any = None
    params: Any = None

    def to_dict(self) -> dict[str, Any]:
        """As a dictionary."""
        return {"inputs": self.inputs, "outputs": self.outputs, "params": self.params}


@dataclass(frozen=True)
class ModelInfo:
    """Where a model was kept.

    Attributes:
        commit: The commit of its tensors in the store's repository of weights, if there is one.
    """

    artifact_path: str
    model_uri: str
    run_id: str
    commit: str | None = None
    signature: ModelSignature | None = None

    @property
    def model_uuid(self) -> str:
        """What tells it from others."""
        return self.commit or self.model_uri


def infer_signature(
    model_input: Any = None, model_output: Any = None, params: Any = None
) -> ModelSignature:
    """Names, types and shapes of what goes into a model and comes out of it."""
    return ModelSignature(_schema(model_input), _schema(model_output), params)


def _schema(data: Any) -> Any:
    if data is None:
        return None
    if isinstance(data, dict):
        return {str(key): _schema(value) for key, value in data.items()}
    if hasattr(data, "dtypes") and hasattr(data, "columns"):
        return [{"name": str(name), "type": str(kind)} for name, kind in data.dtypes.items()]
    if hasattr(data, "dtype") and hasattr(data, "shape"):
        return {"type": str(data.dtype), "shape": [-1, *map(int, data.shape[1:])]}
    return {"type": type(data).__name__}


def log_model(*args: Any, **options: Any) -> ModelInfo:
    """Keep a model: `log_model(model, "model")`, with the arguments of MLflow's flavors.

    Tensors (of PyTorch, Keras, JAX, a fitted scikit-learn estimator) are a commit in the store's repository of weights; a
    booster is its own file, a Transformers model its own folder. What it is, is in `<path>/model.json`.

    Returns:
        Where it was kept; `load_model(info.model_uri, into=model)` brings tensors back.
    """
    given = [*args]
    model = given.pop(0) if given else next((options[n] for n in _MODELS if n in options), None)
    if model is None:
        raise MlflowException.invalid_parameter_value("log_model needs a model.")
    path = given.pop(0) if given else options.get("artifact_path") or options.get("name") or "model"
    path = writing.checked(path)
    native = fluent.native_run()
    kind = f"{type(model).__module__}.{type(model).__qualname__}"
    signature = options.get("signature")
    about: dict[str, Any] = {"class": kind, "text": str(model)[:10_000]}
    if isinstance(signature, ModelSignature):
        about["signature"] = signature.to_dict()
    if callable(getattr(model, "get_params", None)):
        about["params"] = {key: str(value) for key, value in model.get_params().items()}
    commit = None
    if native.folder and not _own_files(native, model, path):
        try:
            commit = native.weights.commit(model, f"{path}: {kind}").commit_hash
            about["weights"] = commit
        except AnewError as error:
            if kind not in _told:
                _told.add(kind)
                warnings.warn(
                    f"The description of the {kind} was saved, but not the model itself, because models are never pickled: {error}",
                    stacklevel=2,
                )
    writing.save(native, f"{path}/model.json", about)
    uri = f"runs:/{native.id}/{path}"
    name = options.get("registered_model_name")
    if name and native.folder:
        registered.register_model(uri, name)
    return ModelInfo(path, uri, native.id, commit, signature)


def _own_files(native: anew.Experiment, model: Any, path: str) -> bool:
    """Keep a model in the format of its own library, if that has one which is data alone."""
    with tempfile.TemporaryDirectory(prefix="anew-") as folder:
        library = type(model).__module__.partition(".")[0]
        booster = getattr(model, "booster_", model) if library == "lightgbm" else model
        endings = {"xgboost": "ubj", "lightgbm": "txt", "catboost": "cbm"}
        if library in endings:
            booster.save_model(os.path.join(folder, f"model.{endings[library]}"))
        elif callable(getattr(model, "save_pretrained", None)):
            model.save_pretrained(folder)
        else:
            return False
        writing.save_folder(native, folder, path)
    return True


def log_state_dict(state_dict: Any, artifact_path: str = "state_dict", **options: Any) -> None:
    """Keep the tensors of a PyTorch model as a commit in the store's repository of weights, named in `<path>/model.json`."""
    path = writing.checked(artifact_path)
    native = fluent.native_run()
    about: dict[str, Any] = {"class": "state_dict"}
    if native.folder:
        with writing.told():
            about["weights"] = native.weights.commit(state_dict, path).commit_hash
    writing.save(native, f"{path}/model.json", about)


class PythonModel:
    """A model of the program's own code: what `log_model` keeps of it is its description, since code is never pickled."""

    def load_context(self, context: Any) -> None:
        """Read what it needs."""

    def predict(self, context: Any, model_input: Any, params: Any = None) -> Any:
        """What it says of some input."""
        raise NotImplementedError


def load_model(model_uri: str, *args: Any, into: Any = None, **options: Any) -> Any:
    """Fill a model that the program made with the tensors of one that was kept: `load_model(uri, into=model)`.

    Raises:
        MlflowException: No model to fill was given: none is made out of data without its code. Or no tensors were kept.
    """
    if into is None:
        raise MlflowException(
            f"{model_uri!r} was saved without its code, because models are never pickled. Create the model and fill it with load_model(uri, into=model). For a booster, download its file with "
            "mlflow.artifacts.download_artifacts and load that with its own library."
        )
    commit = artifacts.load_dict(f"{model_uri.rstrip('/')}/model.json").get("weights")
    if commit is None:
        raise MlflowException(f"{model_uri!r} has no tensors; download its files instead.")
    from anew.weights import Repository

    with writing.told():
        Repository(os.path.join(places.root(), "weights")).load_into(into, commit)
    return into
