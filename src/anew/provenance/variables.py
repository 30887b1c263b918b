"""The environment variables that affect results: an allow list, with secrets masked."""

from __future__ import annotations

import re

from ..record.secrets import mask_secrets

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = ["PLACE", "changes_loading", "chosen_variables", "is_usual"]

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
