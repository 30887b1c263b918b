from __future__ import annotations

import pytest

from anew.record.direction import direction, known_direction


@pytest.mark.parametrize(
    "name",
    [
        *("acc", "val_acc", "val/accuracy", "eval.reward", "f1", "f1_score", "test/F1-Score", "AUC", "mAP"),
        *("val/mIoU", "BLEU", "top5", "valAccuracy", "episode_return", "accuracy/top1", "psnr", "R2"),
    ],
)  # fmt: skip
def test_accuracies_scores_and_rewards_are_better_large(name):
    assert direction(name) == "max"


@pytest.mark.parametrize(
    "name",
    [
        *("loss", "val_loss", "train/loss", "mse", "perplexity", "wer", "FID", "anything", "score_loss"),
        *("top5_error", "accuracy/loss", "latency", "grad_norm", "lr", "accelerate", "maple"),
    ],
)  # fmt: skip
def test_losses_errors_and_everything_else_are_better_small(name):
    assert direction(name) == "min"


@pytest.mark.parametrize("name", ["anything", "epoch", "lr", "widgets/count"])
def test_a_name_that_says_nothing_has_no_direction(name):
    assert known_direction(name) is None


@pytest.mark.parametrize(("name", "better"), [("val/acc", "max"), ("loss", "min")])
def test_a_name_that_says_it_has_one(name, better):
    assert known_direction(name) == direction(name) == better
