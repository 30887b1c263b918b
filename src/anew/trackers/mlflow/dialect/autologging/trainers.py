"""Lightning's `Trainer.fit`, and the `Trainer.train` of Transformers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from .. import calls
from .sessions import Session

__all__ = ["lightning_fitted", "transformers_trained"]


def lightning_fitted(
    session: Session, original: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Any:
    """Fit, and record the optimizer, the metrics of each epoch, the layers, and the module."""
    trainer = args[0]
    module = args[1] if len(args) > 1 else kwargs.get("model")
    package = type(trainer).__module__.partition(".trainer")[0]
    callback = session.keep(_lightning_callback, session, package)
    if callback is not None:
        trainer.callbacks.append(callback)
        session.keep(_log_stopping, session, trainer)
        session.keep(_log_layers, package, module)
    try:
        made = original(*args, **kwargs)
    finally:
        if callback in trainer.callbacks:
            trainer.callbacks.remove(callback)
    session.keep(_log_stopped, trainer)
    if trainer.is_global_zero:
        session.log_model(module)
    return made


def _lightning_callback(session: Session, package: str) -> Any:
    from importlib import import_module

    lightning = import_module(package)

    class Recording(lightning.Callback):  # type: ignore[misc,name-defined]
        """Hears what a trainer reports."""

        def __init__(self) -> None:
            self.on_steps: set[str] = set()
            self.on_epochs: set[str] = set()

        def on_train_start(self, trainer: Any, module: Any) -> None:
            if trainer.is_global_zero:
                session.keep(_log_optimizer, session, trainer)

        def on_train_batch_end(self, trainer: Any, module: Any, *_: Any) -> None:
            every = session.options.get("log_every_n_step")
            steps = trainer.global_step // max(1, len(trainer.optimizers))
            if not every or not trainer.is_global_zero:
                return
            found = trainer.logged_metrics
            new = {k: v for k, v in found.items() if k not in self.on_epochs and f"{k}_step" not in found}  # fmt: skip
            self.on_steps.update(new)
            if (steps + 1) % every == 0:
                session.keep(_log, new, trainer.global_step)

        def on_train_epoch_end(self, trainer: Any, module: Any) -> None:
            if trainer.sanity_checking or not trainer.is_global_zero:
                return
            found = {k: v for k, v in trainer.callback_metrics.items() if k not in self.on_steps}
            self.on_epochs.update(found)
            if (module.current_epoch + 1) % session.options.get("log_every_n_epoch", 1) == 0:
                session.keep(_log, found, module.current_epoch)

    return Recording()


def _log(metrics: Mapping[str, Any], step: int) -> None:
    calls.log_metrics({name: float(value) for name, value in metrics.items()}, step=step)


def _log_optimizer(session: Session, trainer: Any) -> None:
    calls.set_tags({"Mode": "training"})
    params: dict[str, Any] = {"epochs": trainer.max_epochs}
    if trainer.optimizers:
        optimizer = trainer.optimizers[0]
        optimizer = getattr(optimizer, "_optimizer", optimizer)
        params["optimizer_name"] = type(optimizer).__name__
        params |= getattr(optimizer, "defaults", {})
    session.log_params(params)


def _stopper(trainer: Any) -> Any:
    return next((one for one in trainer.callbacks if type(one).__name__ == "EarlyStopping"), None)


def _log_stopping(session: Session, trainer: Any) -> None:
    found = _stopper(trainer)
    if found is not None:
        names = ("monitor", "mode", "patience", "min_delta", "stopped_epoch")
        session.log_params({name: getattr(found, name) for name in names if hasattr(found, name)})


def _log_stopped(trainer: Any) -> None:
    found = _stopper(trainer)
    if found is not None and found.stopped_epoch:
        calls.log_metrics({
            "stopped_epoch": float(found.stopped_epoch),
            "restored_epoch": float(found.stopped_epoch - max(1, found.patience)),
            "best_score": float(found.best_score),
            "wait_count": float(found.wait_count),
        })  # fmt: skip


def _log_layers(package: str, module: Any) -> None:
    from importlib import import_module

    summary = import_module(f"{package}.utilities.model_summary").ModelSummary
    calls.log_text(str(summary(module, max_depth=-1)), "model_summary.txt")


def transformers_trained(
    session: Session, original: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Any:
    """Train, and record the arguments and the configuration, the logs of each step, and the model."""
    import transformers

    trainer = args[0]
    heard = {type(one).__name__ for one in trainer.callback_handler.callbacks}
    if "MLflowCallback" in heard:  # Transformers' own, which records all of this in the active run
        made = original(*args, **kwargs)
    else:

        class Recording(transformers.TrainerCallback):  # type: ignore[misc]
            """Hears what a trainer reports."""

            def on_log(
                self, args: Any, state: Any, control: Any, logs: Any = None, **_: Any
            ) -> None:
                numbers = {
                    k: float(v) for k, v in (logs or {}).items() if isinstance(v, (int, float))
                }
                if state.is_world_process_zero and numbers:
                    session.keep(calls.log_metrics, numbers, step=state.global_step)

        callback = Recording()
        trainer.add_callback(callback)
        if trainer.is_world_process_zero():
            session.keep(_log_arguments, session, trainer)
        try:
            made = original(*args, **kwargs)
        finally:
            trainer.remove_callback(callback)
    if trainer.is_world_process_zero():
        session.keep(_log_transformer, session, trainer)
    return made


def _log_arguments(session: Session, trainer: Any) -> None:
    config = getattr(trainer.model, "config", None)
    known = config.to_dict() if config is not None else {}
    session.log_params({**known, **trainer.args.to_dict()})


def _log_transformer(session: Session, trainer: Any) -> None:
    model = trainer.accelerator.unwrap_model(trainer.model)
    processor = getattr(trainer, "processing_class", None)
    parts = {"model": model}
    if processor is not None and hasattr(processor, "save_pretrained"):
        parts["tokenizer"] = processor
    session.log_model(parts if len(parts) > 1 else model)
