from reenact.plots.metrics import panels


def test_metrics_that_belong_together_share_a_panel():
    names = ["train/loss", "train/acc", "val/loss", "val_acc", "lr"]
    assert panels(names) == {"loss": [0, 2], "acc": [1, 3], "lr": [4]}


def test_a_metric_alone_is_headed_by_its_whole_name():
    assert panels(["train/loss"]) == {"train/loss": [0]}


def test_a_metric_that_is_only_a_prefix_keeps_its_name():
    assert panels(["val_", "x"]) == {"val_": [0], "x": [1]}
