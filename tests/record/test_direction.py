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


OF_LIBRARIES = {
    "torchvision": {
        "max": ("acc1", "acc5", "test_acc1", "img/s", "mean IoU", "global correct"),
        "min": ("loss_classifier", "loss_box_reg", "loss_objectness", "loss_rpn_box_reg"),
    },
    "timm": {
        "max": ("eval_top1", "top5", "eval/top5", "infer_samples_per_sec", "samples_per_sec"),
        "min": ("eval_loss", "top1_err", "step_time", "infer_step_time"),
    },
    "Stable-Baselines3": {
        "max": ("rollout/ep_rew_mean", "eval/mean_reward", "rollout/success_rate", "time/fps", "train/explained_variance"),
        "min": ("train/entropy_loss", "train/policy_gradient_loss", "train/approx_kl", "train/ent_coef_loss"),
        None: ("time/iterations", "time/total_timesteps", "rollout/ep_len_mean", "train/learning_rate", "train/clip_range"),
    },
    "Ultralytics": {
        "max": ("metrics/mAP50-95(B)", "metrics/mAP50(M)", "metrics/precision(B)", "metrics/accuracy_top5", "fitness"),
        "min": ("val/box_loss", "train/dfl_loss", "val/cls_loss", "model/speed_PyTorch(ms)"),
        None: ("lr/pg0", "model/GFLOPs", "model/parameters"),
    },
    "COCO": {
        "max": ("AP", "AP50", "bbox/APs", "AR@100", "AR_maxDets@10", "ARm", "coco/bbox_mAP_50", "segm_mAP_l", "mar_100", "map_per_class"),
        None: ("samples/ar",),
    },
    "Transformers and TRL": {
        "max": (
            *("eval_accuracy", "eval_samples_per_second", "eval_steps_per_second", "eval_rougeLsum", "eval_exact_match"),
            *("eval_matthews_correlation", "eval_spearmanr", "rewards/accuracies", "rewards/margins", "mean_token_accuracy"),
        ),
        "min": ("eval_loss", "eval_runtime", "train_runtime", "eval_wer", "objective/kl", "perplexity"),
        None: ("total_flos", "learning_rate", "epoch", "eval_gen_len"),
    },
    "lm-eval": {
        "max": ("acc,none", "acc_norm,none", "exact_match,strict-match", "pass@1", "mc2", "prompt_level_strict_acc,none", "rouge1_acc"),
        "min": ("acc_stderr,none", "word_perplexity,none", "bits_per_byte,none", "brier_score", "pct_stereotype,none", "likelihood_diff"),
    },
    "scikit-learn, Keras, XGBoost and LightGBM": {
        "max": ("neg_mean_squared_error", "neg_log_loss", "average_precision", "d2_absolute_error_score", "adjusted_rand_score", "ndcg@5", "map@5-"),
        "min": ("davies_bouldin_score", "binary_crossentropy", "mlogloss", "merror", "error@0.5", "poisson-nloglik", "valid_0 l2", "hamming_loss"),
    },
    "others": {
        "max": ("charts/episodic_return", "charts/SPS", "si_sdr", "tokens/s", "tokens_per_second", "env_runners/episode_return_mean"),
        "min": ("negative_log_likelihood", "neg_log_likelihood", "seconds_per_step", "ms_per_token", "losses/approx_kl"),
    },
}  # fmt: skip
"""The metrics that libraries log by their own names, and what their documentation calls better."""


@pytest.mark.parametrize("library", OF_LIBRARIES)
def test_the_names_of_libraries_are_read_as_they_mean_them(library):
    said = {
        name: (known_direction(name), better)
        for better, names in OF_LIBRARIES[library].items()
        for name in names
    }
    assert {name: both for name, both in said.items() if both[0] != both[1]} == {}
