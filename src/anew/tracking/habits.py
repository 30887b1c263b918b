"""What users of other trackers type, and what it is called here.

An `Experiment` without such an attribute says what to call instead; nothing else of Anew depends on these names.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["ARGUMENTS", "ASSIGNED", "INSTEAD", "missing"]

_IMAGE = 'exp.log({"sample": Image(array)}, step=step), with Image from anew'
_FILE = 'exp.files("models").save("model.pth")'
_PARAMS = "exp.params.set(lr=0.1)"
_CURVE = 'exp.log({"loss": 0.5}, step=step)'
_END = "exp.finish(), or run it in a with statement"

INSTEAD = {
    "alert": 'exp.log("the loss is NaN", level="warning")',
    "add_artifact": _FILE,
    "add_figure": 'exp.log({"chart": figure}, step=step)',
    "add_hparams": _PARAMS,
    "add_image": _IMAGE,
    "add_scalar": _CURVE,
    "add_scalars": _CURVE,
    "add_tag": 'exp.add_tags(["baseline"])',
    "add_text": 'exp.log("a message"), or exp.log({"answer": Text("…")}, step=step)',
    "artifact": _FILE,
    "cancel": "exp.run.cancel()",
    "close": _END,
    "complete": "exp.finish()",
    "define_metric": '`mode=` where the best is asked for: `store.best(NAME, mode="max")`, `anew best NAME --mode max`',
    "description": 'exp.set_description("…"); a reader has it as store[exp.id].description',
    "dir": "exp.folder",
    "end": _END,
    "end_run": _END,
    "experiment_id": "exp.id",
    "fail": 'exp.finish("failed", "the reason")',
    "group": 'exp.add_tags({"group": "a"}), or a prefix such as team/project/group/name',
    "hparams": _PARAMS,
    "init": 'anew.start("team/project/name"), or Experiment(…) in a with statement',
    "link_artifact": _FILE,
    "link_model": 'exp.weights.commit(model, "epoch 3")',
    "log_artifact": _FILE,
    "log_artifacts": _FILE,
    "log_asset": _FILE,
    "log_audio": 'exp.log({"speech": Audio(samples, rate)}, step=step), with Audio from anew',
    "log_code": "nothing: the commit, the uncommitted changes and the script are recorded by themselves",
    "log_confusion_matrix": 'exp.log({"confusion": figure}, step=step)',
    "log_dict": 'exp.files().save(mapping, name="settings.json")',
    "log_figure": 'exp.log({"chart": figure}, step=step)',
    "log_file": _FILE,
    "log_histogram": 'exp.log({"weights": Histogram(array)}, step=step), with Histogram from anew',
    "log_hyperparams": _PARAMS,
    "log_image": _IMAGE,
    "log_images": _IMAGE,
    "log_input": 'exp.inputs.add("data/train.csv")',
    "log_message": 'exp.log("a message")',
    "log_model": 'exp.weights.commit(model, "epoch 3"), or ' + _FILE,
    "log_param": _PARAMS,
    "log_parameter": _PARAMS,
    "log_parameters": _PARAMS,
    "log_params": _PARAMS,
    "log_scalar": _CURVE,
    "log_table": 'exp.log({"predictions": Table(rows)}), with Table from anew',
    "log_text": 'exp.log("a message"), or exp.log({"answer": Text("…")}, step=step)',
    "log_video": 'exp.log({"rollout": Video(frames)}, step=step), with Video from anew',
    "mark_preempting": 'nothing: a run that is killed is continued by Experiment(…, resume="auto")',
    "notes": 'exp.set_notes("…"); a reader has them as store[exp.id].notes',
    "path": "exp.folder",
    "record": _CURVE,
    "report": _CURVE,
    "restore": 'exp.files("models").download("model.pth", to=".")',
    "run_id": "exp.id",
    "save": _FILE,
    "set_summary": 'exp.log({"best_acc": 0.9})',
    "set_tag": 'exp.add_tags({"team": "vision"})',
    "set_tags": 'exp.add_tags({"team": "vision"})',
    "start": "exp.run.start(), or run it in a with statement",
    "start_run": "exp.run.start(), or run it in a with statement",
    "stop": _END,
    "summary": (
        'exp.log({"best_acc": 0.9}) to record a result. The last, smallest and largest value of every metric are kept by '
        'themselves: store[exp.id].metrics["acc"].max'
    ),
    "track": _CURVE,
    "unwatch": "nothing: no model is watched",
    "update": _PARAMS,
    "update_config": _PARAMS,
    "upload": _FILE,
    "upload_file": _FILE,
    "use_artifact": 'exp.inputs.add("data/train.csv")',
    "use_model": 'exp.inputs.add("model.pth")',
    "watch": 'exp.log({"grad_norm": norm, "weights": Histogram(array)}, step=step) in the training loop',
    "write_logs": 'exp.log("a message")',
}
"""What other trackers call it, and the call here."""

ASSIGNED = {
    "bindrs": "Experiment(…, bindrs=[…])",
    "config": "Experiment(…, config=…), or exp.params.set() for what is known later",
    "description": 'exp.set_description("…")',
    "group": INSTEAD["group"],
    "metrics": _CURVE,
    "name": 'exp.set_name("…")',
    "notes": 'exp.set_notes("…")',
    "prefix": 'store.move(exp.id, "team/project/name") after the end',
    "status": "exp.finish()",
    "summary": 'exp.log({"best_acc": 0.9})',
    "tags": 'exp.add_tags(["baseline"])',
}
"""What is set by a call and not by an assignment: the call."""

ARGUMENTS = {
    "dir": "root=, the folder of all experiments",
    "entity": 'a name with the owner in front: "alice/vision/resnet"',
    "experiment_name": "name=, or a prefix such as team/project/name",
    "group": 'tags={"group": "a"}, or a prefix such as team/project/group/name',
    "id": 'resume="auto" to continue an experiment that was interrupted, or resume="…" with its id',
    "job_type": 'tags={"job_type": "train"}',
    "logdir": "root=, the folder of all experiments",
    "log_dir": "root=, the folder of all experiments",
    "reinit": "nothing: each start() begins a new experiment and ends the one before",
    "save_code": "nothing: the commit, the uncommitted changes and the script are recorded by themselves",
    "settings": "the arguments of Experiment, such as quiet=True",
    "sync_tensorboard": "anew.dialects.tensorboard for what the program imports from TensorBoard",
}
"""Arguments that a start has in other trackers, and what to write here."""


_messages: dict[
    tuple[str, str], str
] = {}  # programs ask with hasattr(), some of them again and again


def missing(owner: str, name: str, known: Iterable[str]) -> AttributeError:
    """The error for an attribute that `owner` does not have, to be raised: with what to call instead, if that is known.

    Args:
        known: The names it has, for what was misspelt.
    """
    message = _messages.get((owner, name))
    if message is None:
        message = _messages[owner, name] = f"{owner} has no {name!r}.{_hint(name, known)}"
    return AttributeError(message, name=name)


def _hint(name: str, known: Iterable[str]) -> str:
    if name in INSTEAD:
        return f" Use {INSTEAD[name]}."
    import difflib

    every = {one.lower(): one for one in (*INSTEAD, *known) if not one.startswith("_")}
    close = difflib.get_close_matches(name.lower(), every, 1, cutoff=0.7)
    if not close:
        return ""
    meant = every[close[0]]
    return f" Use {INSTEAD[meant]}." if meant in INSTEAD else f" Did you mean {meant!r}?"
