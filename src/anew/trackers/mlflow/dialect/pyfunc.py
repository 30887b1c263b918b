"""`mlflow.pyfunc`: models of the program's own code, and any model behind one call, `predict`."""

from __future__ import annotations

from typing import Any

__all__ = ["PyFuncModel", "PythonModel", "PythonModelContext"]


class PythonModel:
    """A model of the program's own code. It is kept as a pickle, and loaded by `trust=True` only."""

    def load_context(self, context: Any) -> None:
        """Read what it needs."""

    def predict(self, context: Any, model_input: Any, params: Any = None) -> Any:
        """What it says of some input."""
        raise NotImplementedError


class PythonModelContext:
    """What a `PythonModel` is given.

    Attributes:
        artifacts: The paths of the files that were logged with it, by their names.
        model_config: The configuration that was logged with it.
    """

    def __init__(self, artifacts: dict[str, str], model_config: dict[str, Any]) -> None:
        self.artifacts, self.model_config = artifacts, model_config


class PyFuncModel:
    """A model that was loaded, whichever flavor it is of.

    Attributes:
        metadata: What was kept about it.
    """

    def __init__(
        self, model: Any, about: dict[str, Any], context: PythonModelContext | None = None
    ) -> None:
        self._model, self.metadata, self._context = model, about, context
        if context is not None and callable(getattr(model, "load_context", None)):
            model.load_context(context)

    def predict(self, data: Any, params: dict[str, Any] | None = None) -> Any:
        """What the model says of some data: a frame, an array, or what else its own `predict` takes."""
        flavor = self.metadata.get("flavor")
        if flavor == "pyfunc":
            return self._of_program(data, params)
        if flavor == "xgboost" and type(self._model).__name__ == "Booster":
            import xgboost

            return self._model.predict(xgboost.DMatrix(data))
        if flavor == "pytorch":
            return self._of_torch(data)
        if flavor == "keras":
            return self._model.predict(data, verbose=0)
        if flavor == "transformers":
            return self._model(data, **(params or {}))
        return self._model.predict(data, **(params or {}))

    def _of_program(self, data: Any, params: dict[str, Any] | None) -> Any:
        model = self._model
        if not hasattr(model, "predict"):
            return model(data)
        import inspect

        takes = inspect.signature(model.predict).parameters
        first = (self._context,) if "context" in takes or len(takes) > 1 else ()
        if next(iter(takes), "") == "model_input":  # the context may be left out, as in MLflow
            first = ()
        more = {"params": params} if "params" in takes else {}
        return model.predict(*first, data, **more)

    def _of_torch(self, data: Any) -> Any:
        import torch

        numbers = data.to_numpy() if hasattr(data, "to_numpy") else data
        try:
            first = next(iter(self._model.parameters()))
        except StopIteration:
            first = torch.zeros(0)
        given = torch.as_tensor(numbers).to(device=first.device, dtype=first.dtype)
        self._model.eval()
        with torch.no_grad():
            said = self._model(given).cpu().numpy()
        if hasattr(data, "to_numpy"):
            import pandas

            return pandas.DataFrame(said, index=data.index)
        return said

    def unwrap_python_model(self) -> Any:
        """The program's own model.

        Raises:
            MlflowException: It is of another flavor; `get_raw_model` gives that.
        """
        from .exceptions import MlflowException

        if self.metadata.get("flavor") != "pyfunc":
            raise MlflowException("unwrap_python_model is for models of the flavor pyfunc.")
        return self._model

    def get_raw_model(self) -> Any:
        """The model as its own library has it."""
        return self._model

    def __repr__(self) -> str:
        return f"<PyFuncModel {self.metadata.get('flavor')}: {self.metadata.get('class')}>"
