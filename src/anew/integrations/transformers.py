"""Transformers: `Trainer(callbacks=[AnewCallback("alice/digits/bert")])`, or `report_to="anew"`.

The library finds integrations in a table of its own, not through entry points: importing this module puts
"anew" in that table, so `report_to="anew"` works from then on.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from anew import Experiment, Text

from .opening import Opening
from .requiring import check_choice, require

require("transformers", "transformers")

from transformers import TrainerCallback  # noqa: E402  (after the error that says what to install)
from transformers.integrations import integration_utils  # noqa: E402

__all__ = ["AnewCallback"]


class AnewCallback(Opening, TrainerCallback):
    """Logs what a Trainer logs, by its global step, on the process of rank 0.

    A metric `eval_loss` becomes `eval/loss`, `test_loss` `test/loss`, any other `train/…`. The training arguments
    are the parameters `args.…`, the model's configuration `model.…`. The experiment is completed after each
    training, evaluation or prediction; what comes later continues it. The Trainer tells no callback of an exception:
    one that ends the program fails the experiment then, one that is caught does so with a `with` block.

    Args:
        experiment: The experiment to log in, or the name or prefix of one to open. Without either it is the one that
            runs in this process, or a new one, named by the arguments' `run_name`.
        log_model: True keeps the model at the end of the training, as `save_pretrained` writes it; "all" keeps each
            checkpoint folder; "weights" commits a version of the weights (`exp.weights`) at each checkpoint.
        options: What else `Experiment` takes, for one to open.
    """

    _by_name = False

    def __init__(
        self,
        experiment: Experiment | str | None = None,
        *,
        log_model: bool | str = False,
        **options: Any,
    ) -> None:
        check_choice("log_model", log_model, (False, True, "all", "weights"))
        super().__init__(experiment, options)
        self._log_model, self._training = log_model, False
        self._trial: Experiment | None = None

    def on_init_end(self, args: Any, state: Any, control: Any, **more: Any) -> None:
        """A Trainer is there; a callback that `report_to` made leaves it to one given beside it."""
        control.anew_callback = self

    def _mine(self, args: Any, state: Any, control: Any) -> bool:
        yields = self._by_name and getattr(control, "anew_callback", self) is not self
        if yields or not state.is_world_process_zero:
            return False
        label = (getattr(args, "run_name", None) or "").replace("/", "-").strip("-. ")
        self._suggested = {"name": label or None}
        return True

    def _here(self) -> Experiment:
        return self._trial or self._open()

    def on_train_begin(self, args: Any, state: Any, control: Any, **more: Any) -> None:
        """Open the experiment; keep the arguments and the model's configuration."""
        if not self._mine(args, state, control):
            return
        self._end_trial("training was interrupted")
        exp, self._training = self._open(), True
        if state.is_hyper_param_search and exp.folder:
            name, project = state.trial_name or "trial", f"{exp.prefix}-trials"
            exp = Experiment(name, project=project, parent=exp, root=exp.root, quiet=True)
            self._trial = exp.run.start()
            exp.params.set({"trial": state.trial_params or {}})
        model: Any = more.get("model")
        config: Any = getattr(model, "config", None)
        about = dict(config.to_dict() if hasattr(config, "to_dict") else config or {})
        if hasattr(model, "num_parameters"):
            about["num_parameters"] = model.num_parameters()
        exp.params.set({"args": args.to_dict(), "model": about})

    def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **more: Any) -> None:
        """Log metrics; what is no number is kept as a text."""
        if logs and self._mine(args, state, control):
            exp, step, numbers = self._here(), state.global_step, {}
            for name, value in logs.items():
                if isinstance(value, (int, float)) or getattr(value, "shape", None) == ():
                    numbers[_named(name)] = value
                else:
                    exp.log_value(_named(name), Text(str(value)), step)
            exp.log_metrics(numbers, step)
            if not self._training:
                self._trained()

    def on_predict(self, args: Any, state: Any, control: Any, metrics: Any, **more: Any) -> None:
        """Log the metrics of a prediction, which the Trainer does not log itself."""
        self.on_log(args, state, control, metrics)

    def on_save(self, args: Any, state: Any, control: Any, **more: Any) -> None:
        """A checkpoint was written; keep it if that is wished."""
        if self._log_model not in ("all", "weights") or not self._mine(args, state, control):
            return
        step, exp = state.global_step, self._here()
        if self._log_model == "weights":
            exp.weights.commit(more.get("model"), f"checkpoint at step {step}", step)
            return
        output, name = Path(args.output_dir), f"checkpoint-{step}"
        written = [*output.glob(name), *output.glob(f"*/{name}")]  # below, in a search's folder
        if written:
            newest = max(written, key=lambda folder: folder.stat().st_mtime)
            exp.files("checkpoints").save(newest, step=step)

    def on_train_end(self, args: Any, state: Any, control: Any, **more: Any) -> None:
        """Keep the model if that is wished, and end what was opened here."""
        if not self._mine(args, state, control):
            return
        if self._log_model is True and (
            save := getattr(more.get("model"), "save_pretrained", None)
        ):
            with tempfile.TemporaryDirectory() as folder:
                save(folder)
                tokenizer: Any = more.get("processing_class")
                if hasattr(tokenizer, "save_pretrained"):
                    tokenizer.save_pretrained(folder)
                self._here().files("models").save(folder, "final", step=state.global_step)
        self._training = False
        self._end_trial()
        self._trained()

    def _end_trial(self, broken: str | None = None) -> None:
        trial, self._trial = self._trial, None
        if trial is not None and not trial.status.ended:
            trial.run.fail(broken) if broken else trial.run.complete()


def _named(name: str) -> str:
    group, _, rest = name.partition("_")
    return f"{group}/{rest}" if group in ("eval", "test") and rest else f"train/{name}"


integration_utils.INTEGRATION_TO_CALLBACK["anew"] = type(
    "AnewCallback", (AnewCallback,), {"_by_name": True}
)
