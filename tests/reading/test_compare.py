"""Comparing: what differs, wherever one keeps it."""

from __future__ import annotations

from pathlib import Path

from anew import Experiment, Store


def test_configuration_keys_that_differ_are_part_of_the_comparison(root: Path) -> None:
    for name, rate in (("a", 0.1), ("b", 0.2)):
        config = {"optimizer": {"lr": rate, "name": "adam"}}
        with Experiment(f"p/{name}", root=root, config=config, console="off", system_metrics=0):
            pass
    with Store(root) as store:
        found = store.compare(["p/a", "p/b"])
        a, b = (one["id"] for one in found.experiments)
        assert found.params == {}
        assert found.config == {"optimizer.lr": {a: 0.1, b: 0.2}}
        assert found.to_dict()["config"] == found.config
        frame = found.to_pandas()
        assert frame["config.optimizer.lr"].tolist() == [0.1, 0.2]
        assert str(frame["created_at"].dtype) == "datetime64[us, UTC]"
