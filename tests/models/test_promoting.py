"""What a promotion rests on: the verdicts that are on record, who said what when and why, and the experiment that may be gone."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from anew import Experiment, Store
from anew.errors import InvalidValue, NotFound, NotVerified
from anew.reproduce.comparison import compare
from anew.reproduce.replay import keep_verdict
from anew.reproduce.verdict import Tolerance

OPTIONS: dict[str, Any] = {"quiet": True, "console": "off", "system_metrics": 0}


def trained(root: Path, name: str, odd: float = 0.0, **more: Any) -> str:
    with Experiment(f"lab/vision/{name}", root=root, **OPTIONS, **more) as exp:
        for step in range(20):
            exp.log_metrics({"loss": 1 / (step + 1) + (odd if step > 9 else 0.0)}, step=step)
        exp.files("models").save_text("weights", "best.pt")
    return exp.id


def run_again(store: Store, root: Path, of: str, name: str, odd: float, **tolerance: float) -> str:
    """A re-run whose curve is apart by `odd`, with the verdict that holding it against the first one gives."""
    again = trained(root, name, odd, parent=of, relation="reproduces")
    judgement = compare(store, store.get(of), store.get(again), tolerance=Tolerance(**tolerance))
    keep_verdict(store, judgement)
    return again


def test_a_promotion_rests_on_the_verdict_that_it_demands(tmp_path: Path) -> None:
    first = trained(tmp_path, "first")
    with Store(tmp_path) as store:
        store.models.register("vit", f"{first}:models/best.pt", why="the best")
        model = store.models["vit"]

        def refused(require: str) -> str:
            with pytest.raises(NotVerified) as caught:
                model.promote(1, "production", require=require)
            assert "production" not in store.models["vit"].aliases
            return str(caught.value)

        for require in ("identical", "within", "within:1"):
            assert "never run again" in refused(require)
        run_again(store, tmp_path, first, "apart", 0.25)
        for require in ("identical", "within", "within:1"):
            assert "DIVERGED" in refused(require)  # its verdict, however wide what is asked for
        close = run_again(store, tmp_path, first, "close", 1e-5, rtol=1e-3)
        assert "close, and not the same" in refused("identical")
        assert "rtol=0.001" in refused("within:1e-4")
        assert "rtol=0.001" in refused("within:atol=1e-3")
        for require in ("within", "within:1e-3", "within:rtol=0.01,atol=1e-6"):
            moved = model.promote(1, "staging", why=require, require=require)
            assert moved.evidence is not None
            assert (moved.evidence.required, moved.evidence.rerun) == (require, close)
            assert moved.evidence.verdict == "WITHIN TOLERANCE"
        same = run_again(store, tmp_path, first, "same", 0.0)
        before = time.time()
        moved = model.promote(1, "production", why="came back", require="identical")
        assert moved.evidence is not None
        assert (moved.evidence.verdict, moved.evidence.rerun) == ("IDENTICAL", same)
        last = store.models["vit"].history()[-1]
        assert (last.what, last.alias, last.number, last.before) == ("alias", "production", 1, None)
        assert (last.why, last.evidence) == ("came back", moved.evidence)
        assert before <= last.time <= time.time()
        assert last.user
        for wrong in ("same", "within:x", "within:-1", "identical:1", "within:rtol=1,rtol=2"):
            with pytest.raises(InvalidValue):
                model.promote(1, "production", require=wrong)


def test_the_models_of_an_experiment_that_is_gone_say_so(tmp_path: Path) -> None:
    first = trained(tmp_path, "first")
    with Store(tmp_path) as store:
        store.models.register("vit", f"{first}:models/best.pt")
        store.models["vit"].promote(1, "production")
        store.delete(first)
        gone = store.models["vit@production"]
        assert (gone.number, gone.fact.experiment_gone) == (1, "deleted")
        for call in (gone.files, lambda: gone.experiment):
            with pytest.raises(NotFound, match="anew restore"):
                call()
        assert store.lineage("vit:1").experiment_gone == "deleted"
        store.restore(first)
        back = store.models["vit@production"]
        assert back.fact.experiment_gone is None
        assert back.files()[0].read_text() == "weights"
        store.delete(first, permanently=True)
        purged = store.models["vit@production"]
        assert purged.fact.experiment_gone == "purged"
        with pytest.raises(NotFound, match="for good"):
            purged.files()
        assert store.models["vit"].history()[-1].alias == "production"
