"""Models as `mlflow.<flavor>.log_model` keeps them, and as `load_model` brings them back."""

from __future__ import annotations

import os
import shutil
import tempfile
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import anew

from . import artifacts, fluent, formats, logged, places, registered, writing
from .exceptions import MlflowException
from .pyfunc import PyFuncModel, PythonModelContext

__all__ = [
    "ModelInfo",
    "ModelSignature",
    "infer_signature",
    "load_model",
    "load_pyfunc",
    "log_model",
    "log_state_dict",
]

# What the first argument is called, by flavor; a program may give it by name.
_MODELS = (
    "model", "sk_model", "pytorch_model", "xgb_model", "lgb_model", "cb_model", "transformers_model",
    "python_model", "model_obj",
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
        model_id: The id of the logged model that it is: `models:/<model_id>` means it as well.
    """

    artifact_path: str
    model_uri: str
    run_id: str
    commit: str | None = None
    signature: ModelSignature | None = None
    model_id: str | None = None

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

    It is kept in its library's own format where that is data alone: skops of an estimator, the file of a booster, the folder of
    Transformers, `.keras`. The tensors of a PyTorch module are a commit in the store's repository of weights, and its code a
    pickle without them; what has no such format is a pickle. What it is, is in `<path>/model.json`.

    Returns:
        Where it was kept; `load_model(info.model_uri)` brings it back.
    """
    given = [*args]
    model = given.pop(0) if given else next((options[n] for n in _MODELS if n in options), None)
    if model is None:
        raise MlflowException.invalid_parameter_value("log_model needs a model.")
    path = given.pop(0) if given else options.get("artifact_path") or options.get("name") or "model"
    path = writing.checked(path)
    native = fluent.native_run()
    about = _described(model, options)
    if native.folder:
        with tempfile.TemporaryDirectory(prefix="anew-") as folder:
            _kept(native, model, folder, about, path, options)
            if os.listdir(folder):
                writing.save_folder(native, folder, path)
    writing.save(native, f"{path}/model.json", about)
    uri = f"runs:/{native.id}/{path}"
    name = options.get("registered_model_name")
    if name and native.folder:
        registered.register_model(uri, name)
    model_id = None
    if native.folder:
        name, kind = options.get("name") or path.rpartition("/")[2], options.get("model_type")
        model_id = logged.kept_at(uri, name, native.id, kind)
    return ModelInfo(path, uri, native.id, about.get("weights"), options.get("signature"), model_id)


def _described(model: Any, options: dict[str, Any]) -> dict[str, Any]:
    kind = f"{type(model).__module__}.{type(model).__qualname__}"
    about: dict[str, Any] = {
        "class": kind,
        "text": str(model)[:10_000],
        "flavor": formats.flavor_of(model),
    }
    signature = options.get("signature")
    if isinstance(signature, ModelSignature):
        about["signature"] = signature.to_dict()
    for name in ("metadata", "model_config"):
        if options.get(name):
            about[name] = options[name]
    if callable(getattr(model, "get_params", None)) and not isinstance(model, type):
        about["params"] = {key: str(value) for key, value in model.get_params().items()}
    return about


def _only_tensors(model: Any) -> bool:
    """Whether it is a mapping of names to arrays or tensors, which needs no code."""
    return (
        isinstance(model, Mapping)
        and bool(model)
        and all(hasattr(one, "dtype") and hasattr(one, "shape") for one in model.values())
    )


def _kept(
    native: anew.Experiment,
    model: Any,
    folder: str,
    about: dict[str, Any],
    path: str,
    options: dict[str, Any],
) -> None:
    """Write a model into a folder, and its tensors into the repository of weights; what cannot be kept is told."""
    kind = about["class"]
    try:
        tensors = _only_tensors(model)
        if about["flavor"] == "pytorch" or tensors:
            about["weights"] = native.weights.commit(model, f"{path}: {kind}").commit_hash
        if tensors:
            about["format"] = "tensors"
            return
        pickled = options.get("serialization_format") in ("pickle", "cloudpickle")
        about |= formats.write(model, folder, about["flavor"], pickled=pickled)
    except Exception as error:  # noqa: BLE001  (whatever a library or a pickle of a stranger's model raises)
        if kind not in _told:
            _told.add(kind)
            kept = "its tensors were saved" if "weights" in about else "the model itself was not"
            warnings.warn(
                f"The description of the {kind} was saved, and {kept}: {type(error).__name__}: {error}",
                stacklevel=4,
            )
    artifacts_given = options.get("artifacts") or {}
    if about["flavor"] == "pyfunc" and artifacts_given:
        about["artifacts"] = {}
        for name, source in artifacts_given.items():
            found = artifacts.download_artifacts(source) if ":/" in str(source) else str(source)
            to = os.path.join(folder, "artifacts", os.path.basename(found))
            os.makedirs(os.path.dirname(to), exist_ok=True)
            (shutil.copytree if os.path.isdir(found) else shutil.copy)(found, to)
            about["artifacts"][name] = f"artifacts/{os.path.basename(found)}"


def log_state_dict(state_dict: Any, artifact_path: str = "state_dict", **options: Any) -> None:
    """Keep the tensors of a PyTorch model as a commit in the store's repository of weights, named in `<path>/model.json`."""
    path = writing.checked(artifact_path)
    native = fluent.native_run()
    about: dict[str, Any] = {"class": "state_dict"}
    if native.folder:
        with writing.told():
            about["weights"] = native.weights.commit(state_dict, path).commit_hash
    writing.save(native, f"{path}/model.json", about)


def load_model(
    model_uri: str, *args: Any, into: Any = None, trust: bool = False, **options: Any
) -> Any:
    """A model that was kept: `load_model("runs:/<id>/model")`, `load_model("models:/name@alias")`.

    Args:
        into: A model that the program made, to fill with the tensors that were kept; then none of its code is needed.
        trust: Load it also where that runs code which is kept with it (a pickle). Only for what you know the maker of.

    Raises:
        MlflowException: There is no such model, or it needs `trust`.
    """
    about = _about(model_uri)
    commit = about.get("weights")
    if into is not None and commit is None:
        raise MlflowException(f"{model_uri!r} has no tensors; download its files instead.")
    tensors = into is None and about.get("format") == "tensors"
    model = None if tensors else into if into is not None else _read(model_uri, about, trust)
    if commit is not None:
        from anew.weights import Repository

        with writing.told():
            repository = Repository(os.path.join(places.root(), "weights"))
            if tensors:
                return repository.get_all_weights(commit)
            repository.load_into(model, commit)
    return model


def load_pyfunc(model_uri: str, *args: Any, trust: bool = False, **options: Any) -> PyFuncModel:
    """A model that was kept, of any flavor, behind one call: `load_model(uri).predict(frame)`. See `load_model`."""
    about = _about(model_uri)
    model = load_model(model_uri, trust=trust)
    context = None
    if about.get("flavor") == "pyfunc":
        known = about.get("artifacts", {})
        # What the model reads has to stay as long as the model.
        where = artifacts.download_artifacts(model_uri) if known else ""
        paths = {name: os.path.join(where, at) for name, at in known.items()}
        context = PythonModelContext(paths, about.get("model_config") or {})
    return PyFuncModel(model, about, context)


def _about(model_uri: str) -> dict[str, Any]:
    return artifacts.load_dict(f"{model_uri.rstrip('/')}/model.json")


def _read(model_uri: str, about: dict[str, Any], trust: bool) -> Any:
    if about.get("format") in formats.RUNS_CODE and not trust:
        return formats.read(about, "", trust=False)  # says why not, before anything is copied
    with tempfile.TemporaryDirectory(prefix="anew-") as folder:
        place = artifacts.download_artifacts(model_uri, dst_path=folder)
        return formats.read(about, place, trust=trust)
