"""What a run is opened with: the arguments of `init`, a `Settings`, and wandb's variables of the environment."""

from __future__ import annotations

import os
import re

from .errors import UnsupportedError, UsageError
from .plain import nearest, warn_once

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

__all__ = ["Settings", "from_arguments"]

# What decides something here. The other names are those that wandb knows, which have no meaning without its server.
_MEANT = (
    "allow_val_change", "config_paths", "entity", "mode", "project", "reinit", "resume", "root_dir", "run_group",
    "run_id", "run_job_type", "run_name", "run_notes", "run_tags", "silent", "console", "quiet", "strict",
    "sync_tensorboard", "save_code", "fork_from", "resume_from", "x_disable_stats", "x_stats_sampling_interval",
)  # fmt: skip
_ACCEPTED = (
    "allow_media_symlink", "allow_offline_artifacts", "anonymous", "api_key", "app_url_override",
    "azure_account_url_to_access_key", "base_url", "capture_loggers", "code_dir", "console_chunk_max_bytes",
    "console_chunk_max_seconds", "console_multipart", "credentials_file", "disable_code", "disable_git",
    "disable_git_fork_point", "disable_job_creation", "docker", "email", "finish_timeout",
    "finish_timeout_raises", "force", "git_commit", "git_remote", "git_remote_url", "git_root",
    "heartbeat_seconds", "host", "http_proxy", "https_proxy", "identity_token_file", "ignore_globs",
    "init_timeout", "insecure_disable_ssl", "job_name", "job_source", "label_disable", "launch",
    "launch_config_path", "login_timeout", "max_end_of_run_history_metrics",
    "max_end_of_run_summary_metrics", "notebook_name", "organization", "program", "program_abspath",
    "program_relpath", "relogin", "resumed", "sagemaker_disable", "settings_system", "show_colors",
    "show_emoji", "show_errors", "show_info", "show_warnings", "start_method", "stop_fn",
    "stop_on_fatal_error", "summary_timeout", "summary_warnings", "sweep_id", "sweep_param_path", "symlink",
    "table_raise_on_max_row_limit_exceeded", "use_dot_wandb", "username",
)  # fmt: skip
_NAMES = frozenset(_MEANT + _ACCEPTED)
# Those whose names begin with `x_`, without it.
_EXPERIMENTAL = frozenset(
    [
        "cli_only_mode",
        "disable_machine_info",
        "disable_meta",
        "disable_stats",
        "disable_viewer",
        "executable",
        "extra_http_headers",
        "file_stream_max_bytes",
        "file_stream_max_line_bytes",
        "file_stream_no_gzip",
        "file_stream_retry_max",
        "file_stream_retry_wait_max_seconds",
        "file_stream_retry_wait_min_seconds",
        "file_stream_timeout_seconds",
        "file_stream_transmit_interval",
        "file_transfer_retry_max",
        "file_transfer_retry_wait_max_seconds",
        "file_transfer_retry_wait_min_seconds",
        "file_transfer_timeout_seconds",
        "files_dir",
        "flow_control_custom",
        "flow_control_disabled",
        "graphql_retry_max",
        "graphql_retry_wait_max_seconds",
        "graphql_retry_wait_min_seconds",
        "graphql_timeout_seconds",
        "history_value_encoding",
        "internal_check_process",
        "jupyter_name",
        "jupyter_path",
        "jupyter_root",
        "label",
        "live_policy_rate_limit",
        "live_policy_wait_time",
        "log_level",
        "network_buffer",
        "primary",
        "proxies",
        "runqueue_item_id",
        "save_requirements",
        "server_side_derived_summary",
        "service_transport",
        "service_wait",
        "skip_transaction_log",
        "start_time",
        "stats_buffer_size",
        "stats_coreweave_metadata_base_url",
        "stats_coreweave_metadata_endpoint",
        "stats_cpu_count",
        "stats_cpu_logical_count",
        "stats_dcgm_exporter",
        "stats_disk_paths",
        "stats_gpu_count",
        "stats_gpu_device_ids",
        "stats_gpu_type",
        "stats_neuron_monitor_config_path",
        "stats_no_cgroup",
        "stats_open_metrics_endpoints",
        "stats_open_metrics_filters",
        "stats_open_metrics_http_headers",
        "stats_pid",
        "stats_sampling_interval",
        "stats_self_usage",
        "stats_track_process_tree",
        "sync",
        "sync_dir_suffix",
        "transaction_log_flush_interval",
        "update_finish_state",
    ]
)
_VARIABLES = {
    "WANDB_ENTITY": "entity",
    "WANDB_PROJECT": "project",
    "WANDB_NAME": "run_name",
    "WANDB_NOTES": "run_notes",
    "WANDB_RUN_ID": "run_id",
    "WANDB_RUN_GROUP": "run_group",
    "WANDB_JOB_TYPE": "run_job_type",
    "WANDB_RESUME": "resume",
    "WANDB_MODE": "mode",
    "WANDB_CONSOLE": "console",
}
_MODES = ("online", "offline", "shared", "disabled", "dryrun", "run")
_RESUMES = ("allow", "must", "never", "auto")
_REINITS = ("default", "return_previous", "finish_previous", "create_new")


class Settings:
    """Settings of a run: `Settings(project="digits", run_name="first")`.

    All names that wandb knows are taken; names that begin with `_` too.

    Raises:
        UsageError: There is no setting of that name, or not with that value.
    """

    def __init__(self, **settings: Any) -> None:
        for name, value in settings.items():
            known = (
                name.removeprefix("x_") in _EXPERIMENTAL
                if name.startswith("x_")
                else name in _NAMES
            )
            if not known and not name.startswith("_"):
                raise UsageError(f"There is no setting {name!r}.{nearest(name, _MEANT)}")
            setattr(self, name, value)
        _check(vars(self))

    def __getattr__(self, name: str) -> Any:
        if name in _NAMES or name.removeprefix("x_") in _EXPERIMENTAL:
            return None  # not set
        raise AttributeError(f"There is no setting {name!r}.{nearest(name, _MEANT)}")

    def __repr__(self) -> str:
        return f"Settings({', '.join(f'{k}={v!r}' for k, v in vars(self).items())})"


def from_arguments(
    arguments: Mapping[str, Any], settings: Settings | Mapping[str, Any] | None
) -> Settings:
    """One `Settings` from the arguments, over the given settings, over the environment.

    Raises:
        UsageError: A name cannot be that of a run or project, or a value is none of those there are.
        UnsupportedError: What is asked for is not done here.
    """
    found = _environment(os.environ)
    if settings is not None:
        given = settings if isinstance(settings, Settings) else Settings(**settings)
        found.update((k, v) for k, v in vars(given).items() if v is not None)
    found.update((k, v) for k, v in arguments.items() if v is not None)
    _check(found)
    for name in ("fork_from", "resume_from"):
        if found.get(name):
            raise UnsupportedError(
                f"{name}= is not supported: a run cannot start with another run's history. Start a new run and link it: anew.Experiment(..., parent=id, relation='forked')."
            )
    if found.get("root_dir"):
        warn_once(
            "dir= is ignored: runs are recorded in Anew's store (ANEW_ROOT, or ./experiments).",
            4,
        )
    return Settings(**found)


def _environment(environ: Mapping[str, str]) -> dict[str, Any]:
    found: dict[str, Any] = {
        name: environ[variable] for variable, name in _VARIABLES.items() if environ.get(variable)
    }
    if environ.get("WANDB_TAGS"):
        found["run_tags"] = [tag for tag in environ["WANDB_TAGS"].split(",") if tag]
    if environ.get("WANDB_CONFIG_PATHS"):
        found["config_paths"] = environ["WANDB_CONFIG_PATHS"].split(",")
    if environ.get("WANDB_DISABLED", "").lower() in ("true", "1", "yes", "on"):
        found["mode"] = "disabled"
    if environ.get("WANDB_SILENT", "").lower() in ("true", "1", "yes", "on"):
        found["silent"] = True
    return found


def _check(settings: dict[str, Any]) -> None:
    """Bring values into one form.

    Raises:
        UsageError: One is none of those there are.
    """
    resume = settings.get("resume")
    if isinstance(resume, str) and resume.lower() in ("true", "false"):
        resume = resume.lower() == "true"
    if isinstance(resume, bool):
        resume = "auto" if resume else None
    reinit = settings.get("reinit")
    if isinstance(reinit, bool):
        reinit = "finish_previous" if reinit else "default"
    settings |= {k: v for k, v in (("resume", resume), ("reinit", reinit)) if k in settings}
    for name, known in (("mode", _MODES), ("resume", _RESUMES), ("reinit", _REINITS)):
        value = settings.get(name)
        if value is not None and value not in known:
            raise UsageError(
                f"{name} must be one of {', '.join(known)}, not {value!r}.{nearest(value, known)}"
            )
    _check_name(settings, "project", r"/\#?%:", "Invalid project name")
    _check_name(settings, "entity", r"/\#?%:", "Invalid entity name")
    _check_name(settings, "run_id", ":;,#?/'\\", "Run ID")
    tags = settings.get("run_tags")
    if tags is not None:
        settings["run_tags"] = [tags] if isinstance(tags, str) else [str(tag) for tag in tags]


def _check_name(settings: dict[str, Any], name: str, forbidden: str, what: str) -> None:
    text = settings.get(name)
    if text is None:
        return
    bad = re.search(f"[{re.escape(forbidden)}]", str(text))
    if bad or text in (".", "..") or text != str(text).strip():
        raise UsageError(
            f"{what} {text!r} cannot contain the characters {' '.join(forbidden)}, be a dot, or begin or end "
            "with a space."
        )
    settings[name] = str(text)
