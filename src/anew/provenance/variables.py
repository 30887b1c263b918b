"""The environment variables: those that usually affect results with their values, of all others a short keyed hash.

The hash says that a variable was another one, and nothing of its value: it is 24 bits of an HMAC whose key is this
machine's own id, which no record has.
"""

from __future__ import annotations

import os
import re

from ..record.secrets import mask_secrets

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = [
    "PLACE",
    "changes_loading",
    "chosen_variables",
    "hashed_variables",
    "is_usual",
    "starting_variables",
    "variable_facts",
]

_ALLOWED = re.compile(
    r"^(CUDA_.*|CUBLAS_.*|CUDNN_.*|NVIDIA_(VISIBLE_DEVICES|TF32_OVERRIDE)|NCCL_.*|ROCR_.*|HIP_.*|"
    r"OMP_.*|MKL_.*|OPENBLAS_.*|BLIS_.*|VECLIB_.*|GOTO_.*|KMP_.*|NUMEXPR_.*|NUMBA_.*|"
    r"PYTHONHASHSEED|PYTHONPATH|PYTHONOPTIMIZE|PYTHONUTF8|"
    r"TORCH_.*|PYTORCH_.*|ATEN_.*|XLA_.*|JAX_.*|TF_(ENABLE|DISABLE|CUDNN|DETERMINISTIC|GPU|XLA|NUM|CPP|FORCE|USE)_.*|TRITON_.*|ACCELERATE_.*|TOKENIZERS_PARALLELISM|"
    r"RANK|LOCAL_RANK|WORLD_SIZE|LOCAL_WORLD_SIZE|SLURM_(JOB_ID|JOB_NAME|NNODES|NTASKS|PROCID|JOB_PARTITION)|"
    r"CONDA_DEFAULT_ENV|LANG|LC_ALL|TZ)$"
)
PLACE = re.compile(
    r"^(RANK|LOCAL_RANK|WORLD_SIZE|LOCAL_WORLD_SIZE|SLURM_.*|CONDA_.*|PYTHONPATH|MASTER_.*)$"
)
"""Those that say where a process ran rather than how: recorded, but not set again by a re-run."""


# Not the PYTHON… variables that only set how numbers, texts and output are handled.
_LOADING = re.compile(
    r"^(LD_.*|DYLD_.*|GCONV_PATH|LOCPATH|GIT_.*|SSH_.*|"
    r"PYTHON(?!(HASHSEED|OPTIMIZE|UTF8|UNBUFFERED|DONTWRITEBYTECODE|FAULTHANDLER|IOENCODING|MALLOC)$).*|"
    r"PATH|HOME|SHELL|SHELLOPTS|BASHOPTS|BASH_.*|ENV|ZDOTDIR|IFS|PS4|PROMPT_COMMAND|EDITOR|VISUAL|PAGER|TMPDIR|XDG_.*|"
    r"PERL.*(LIB|OPT|DB)|RUBY(LIB|OPT)|NODE_(OPTIONS|PATH)|_?JAVA_(TOOL_)?OPTIONS|JDK_JAVA_OPTIONS|CLASSPATH|R_.*|"
    r"CC|CXX|NVCC.*|CUDA_(HOME|PATH|INJECTION.*)|.*_(HOME|PLUGINS?|NET_PLUGIN|EXTENSIONS_DIR|CACHE(_DIR|_PATH)?|CA_BUNDLE)|"
    r".*(PRELOAD|LIBRARY|LIBRARIES|INJECTION|PLUGIN).*|SSL_CERT_.*|.*_PROXY)$",
    re.IGNORECASE,
)


def changes_loading(name: str) -> bool:
    """Whether a variable decides which code is loaded or run: by the loader, an interpreter, git, a compiler, a plug-in.

    Such a variable is recorded like others, but set for a re-run only when somebody asks for it by name.
    """
    return bool(_LOADING.match(name))


def is_usual(name: str) -> bool:
    """Whether a variable is one of those that are always recorded."""
    return bool(_ALLOWED.match(name))


def chosen_variables(environ: Mapping[str, str], more: Iterable[str] = ()) -> dict[str, str]:
    """The variables that are recorded, sorted; secrets among them are masked.

    Args:
        more: Names the user wants besides; `*` stands for anything.
    """
    wanted = [re.compile(re.escape(name).replace(r"\*", ".*") + "$") for name in more]
    found = {
        name: value
        for name, value in sorted(environ.items())
        if _ALLOWED.match(name) or any(pattern.match(name) for pattern in wanted)
    }
    return {name: str(value) for name, value in mask_secrets(found).items()}


# What differs between two shells, terminals, logins and jobs, and decides no result.
_SHELL = re.compile(
    r"^(_|PATH|PWD|OLDPWD|SHLVL|SHELL|HISTFILE|HISTSIZE|PS1|TERM.*|COLORTERM|COLUMNS|LINES|DISPLAY|WINDOWID|WAYLAND_.*|"
    r"SSH_.*|XDG_.*|DBUS_.*|TMUX.*|STY|LS_COLORS|LESS.*|PAGER|EDITOR|VISUAL|GPG_.*|SESSION_.*|DESKTOP_.*|KITTY.*|ITERM.*|"
    r"VTE_.*|WT_.*|VSCODE_.*|INVOCATION_ID|JOURNAL_STREAM|SYSTEMD_.*|MANAGERPID|LOGNAME|USER|MAIL|HOSTNAME|"
    r"CI|GITHUB_.*|GITLAB_.*|BUILD_.*|RUNNER_.*|SLURM.*|PBS_.*|LSB_.*|JOB_ID|PYTEST_.*|COV_.*|"
    r"GIT_.*|PIP_.*|UV_.*|NPM_.*|PYTHONUNBUFFERED|PYTHONDONTWRITEBYTECODE|VIRTUAL_ENV(_PROMPT)?|CONDA.*|TMPDIR|TMP|TEMP|ANEW_.*)$"
)


def hashed_variables(environ: Mapping[str, str], more: Iterable[str] = ()) -> dict[str, str]:
    """The variables whose values are not recorded, each with a short hash of its value; none on a machine without an id.

    The hash of an empty name tells whether two records were hashed with one key.

    Args:
        more: As for `chosen_variables`: those are recorded with their values.
    """
    import hashlib
    import hmac

    from ..journal.author import identity

    here = identity()
    if not here.machine:
        return {}
    key = f"anew variable\0{here.machine}\0{here.user}".encode()
    recorded = chosen_variables(environ, more)
    hidden = {
        name: value
        for name, value in sorted(environ.items())
        if name not in recorded and not _SHELL.match(name)
    }

    def hashed(name: str, value: str) -> str:
        text = f"{name}\0{value}".encode("utf-8", "replace")
        return hmac.new(key, text, hashlib.sha256).hexdigest()[:6]

    return {name: hashed(name, value) for name, value in {"": "", **hidden}.items()}


def starting_variables() -> dict[str, str]:
    """The variables that this process was started with, before the program changed any; today's where that is not known."""
    now = dict(os.environ)
    try:
        with open("/proc/self/environ", "rb") as file:
            raw = file.read()
    except OSError:
        return now
    found = {}
    for line in raw.split(b"\0"):
        name, equals, value = os.fsdecode(line).partition("=")
        if name and equals:
            found[name] = value
    # A program that gives itself a title writes over this memory.
    known = sum(name in now for name in found)
    return found if known and known >= len(found) // 2 else now


def variable_facts(
    environ: Mapping[str, str], more: Iterable[str], *, own: bool
) -> dict[str, dict[str, str]]:
    """The variables as the program was started with them, those it has set itself, and hashes of all others.

    Args:
        environ: The variables as they are now.
        more: As for `chosen_variables`.
        own: Whether the program is this process.
    """
    started = starting_variables() if own else environ
    shown = chosen_variables(started, more)
    return {
        "variables": shown,
        "variables_set": {
            name: value
            for name, value in chosen_variables(environ, more).items()
            if shown.get(name) != value
        },
        "variables_hashed": hashed_variables(started, more),
    }
