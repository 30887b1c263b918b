"""Programs with libraries that import wandb or mlflow themselves. Run as `python libraries.py NAME`, with the dialect installed before."""

from __future__ import annotations

import os
import sys
from typing import Any


def transformers(report_to: str) -> None:
    import torch
    import transformers as hf

    class Model(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.linear = torch.nn.Linear(2, 1)

        def forward(self, x: Any = None, labels: Any = None) -> dict[str, Any]:
            logits = self.linear(x).squeeze(-1)
            return {"loss": ((logits - labels) ** 2).mean(), "logits": logits}

    data = [{"x": torch.randn(2), "labels": torch.tensor(1.0)} for _ in range(16)]
    arguments = hf.TrainingArguments(
        "out", report_to=[report_to], num_train_epochs=2, logging_steps=1, eval_strategy="epoch", run_name="r1",
        disable_tqdm=True, use_cpu=True, save_strategy="no",
    )  # fmt: skip
    hf.Trainer(Model(), arguments, train_dataset=data, eval_dataset=data).train()


def lightning(logger: Any, after: Any = None) -> None:
    from lightning.pytorch import Trainer
    from lightning.pytorch.demos.boring_classes import BoringModel

    class Model(BoringModel):
        def training_step(self, batch: Any, number: int) -> Any:
            loss = self.step(batch)
            self.log("loss", loss)
            return loss

    model = Model()
    trainer = Trainer(
        max_epochs=1, limit_train_batches=3, limit_val_batches=1, log_every_n_steps=1, logger=logger, accelerator="cpu",
        enable_progress_bar=False, enable_model_summary=False,
    )  # fmt: skip
    logger.log_hyperparams({"a": 1})
    if hasattr(logger, "watch"):
        logger.watch(model, log_freq=1)
    trainer.fit(model)


def wandb_lightning() -> None:
    import numpy as np
    import wandb
    from lightning.pytorch.loggers import WandbLogger

    logger = WandbLogger(project="lit", name="n", log_model=True)
    lightning(logger)
    logger.log_table("t", columns=["a"], data=[[1]])
    logger.log_image("i", [np.zeros((4, 4))])
    wandb.finish()


def mlflow_lightning() -> None:
    from lightning.pytorch.loggers import MLFlowLogger

    root = os.environ["ANEW_ROOT"]
    lightning(MLFlowLogger("lit", run_name="n", tracking_uri=root, log_model=True))


def accelerate(log_with: str) -> None:
    from accelerate import Accelerator

    accelerator = Accelerator(cpu=True, log_with=log_with)
    accelerator.init_trackers("acc", config={"lr": 0.1})
    accelerator.log({"loss": 1.0}, step=1)
    accelerator.log({"loss": 0.5}, step=2)
    accelerator.end_training()


def wandb_ray() -> None:
    import wandb
    from ray.air.integrations.wandb import setup_wandb

    setup_wandb({"a": 1}, project="p", rank_zero_only=False).log({"x": 1})
    wandb.finish()


def mlflow_ray() -> None:
    from ray.air.integrations.mlflow import setup_mlflow

    mlflow = setup_mlflow(
        {"a": 1}, experiment_name="e", tracking_uri=os.environ["ANEW_ROOT"], rank_zero_only=False,
        create_experiment_if_not_exists=True,
    )  # fmt: skip
    mlflow.log_metric("x", 1)
    mlflow.end_run()


def wandb_xgboost() -> None:
    import numpy as np
    import wandb
    import xgboost
    from wandb.integration.xgboost import WandbCallback

    with wandb.init(project="x"):
        x = np.random.default_rng(0).random((50, 3))
        data = xgboost.DMatrix(x, x[:, 0])
        callback = WandbCallback(log_model=True)
        xgboost.train(
            {}, data, 4, evals=[(data, "train")], callbacks=[callback], verbose_eval=False
        )


def wandb_lightgbm() -> None:
    import lightgbm
    import numpy as np
    import wandb
    from wandb.integration.lightgbm import log_summary, wandb_callback

    with wandb.init(project="x"):
        x = np.random.default_rng(0).random((80, 3))
        data = lightgbm.Dataset(x, x[:, 0])
        options = {"metric": "rmse", "verbose": -1}
        model = lightgbm.train(options, data, 4, valid_sets=[data], callbacks=[wandb_callback()])
        log_summary(model, save_model_checkpoint=True)


def wandb_keras() -> None:
    import keras
    import numpy as np
    import wandb
    from wandb.integration.keras import WandbMetricsLogger

    with wandb.init(project="x"):
        model = keras.Sequential([keras.layers.Dense(1)])
        model.compile("sgd", "mse")
        callbacks = [WandbMetricsLogger("batch")]
        model.fit(np.zeros((8, 2)), np.zeros(8), epochs=2, verbose=0, callbacks=callbacks)


PROGRAMS = {
    "wandb transformers": lambda: transformers("wandb"),
    "mlflow transformers": lambda: transformers("mlflow"),
    "wandb lightning": wandb_lightning,
    "mlflow lightning": mlflow_lightning,
    "wandb accelerate": lambda: accelerate("wandb"),
    "mlflow accelerate": lambda: accelerate("mlflow"),
    "wandb ray": wandb_ray,
    "mlflow ray": mlflow_ray,
    "wandb xgboost": wandb_xgboost,
    "wandb lightgbm": wandb_lightgbm,
    "wandb keras": wandb_keras,
}

if __name__ == "__main__":
    PROGRAMS[sys.argv[1]]()
    for name in ("wandb", "mlflow"):
        there = sys.modules.get(name)
        assert there is None or there.__name__ == f"anew.dialects.{name}", there
