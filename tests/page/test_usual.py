"""What the page shows before anybody has chosen anything: one experiment, and very many."""

from __future__ import annotations

import itertools
import re
from urllib.parse import urlsplit

import numpy as np
import pytest

from anew import Experiment

from .roots import record
from .test_charts import panel, rows, saved

GROUPS = tuple(itertools.product((0.1, 0.2), ("adam", "sgd")))
SEEDS = 51


def reached(rate: float, optimizer: str, seed: int, step: int) -> float:
    return rate * step + (0.5 if optimizer == "sgd" else 0.0) + seed / 100


def record_many(root: str, prefix: str) -> None:
    """More experiments than are drawn each by itself, of a few configurations."""
    for rate, optimizer in GROUPS:
        for seed in range(SEEDS):
            params = {"lr": rate, "opt": optimizer, "seed": seed}
            with Experiment(
                f"{prefix}/e", root=root, quiet=True, console="off", system_metrics=0, params=params
            ) as exp:
                for step in range(3):
                    exp.log_metrics({"m": reached(rate, optimizer, seed, step)}, step=step)


def test_one_experiment_alone_is_opened_on_its_page(show, opened, tmp_path):
    id_ = record(tmp_path, 0.1, 8, 0)
    page = opened(show())
    page.get_by_role("heading", name="lr0.1-w8-s0").wait_for()
    assert urlsplit(page.url).path == f"/x/{id_}"
    page.locator("#curves canvas").first.wait_for()
    page.get_by_role("link", name="Experiments", exact=False).first.click()
    page.locator("aside").get_by_role("link", name="lr0.1-w8-s0").wait_for()
    assert urlsplit(page.url).path == "/"


@pytest.mark.slow
def test_very_many_are_drawn_in_groups_of_one_configuration_until_somebody_wants_each(show, tmp_path, opened):  # fmt: skip
    record_many(str(tmp_path), "lab/x")
    made = show()
    page = opened(made)
    one = panel(page, "m")
    one.get_by_text(f"{len(GROUPS) * SEEDS} experiments in {len(GROUPS)} groups").wait_for()
    page.get_by_role("status").get_by_text("by lr, opt").wait_for()
    found = [float(row["middle"]) for row in rows(saved(page, one, "CSV")) if row["group"] == "0.2 sgd"]  # fmt: skip
    each = [[reached(0.2, "sgd", seed, step) for step in range(3)] for seed in range(SEEDS)]
    np.testing.assert_allclose(found, np.mean(each, axis=0), atol=1e-6)

    page.get_by_role("button", name="Draw each by itself").click()
    one.get_by_text(re.compile("204 of 204")).wait_for()
    page.reload()
    one.get_by_text(re.compile("204 of 204")).wait_for()
    page.get_by_role("button", name="group:").click()
    page.get_by_role("menuitemradio", name="all but the seed").click()
    one.get_by_text("204 experiments in 4 groups").wait_for()
    page.get_by_role("link", name="Table").click()
    page.get_by_role("region", name="Table of groups").wait_for()
    page.goto(f"{made.url}?tab=table")  # the page groups curves, and no rows
    page.get_by_role("region", name="Table of experiments").wait_for()
