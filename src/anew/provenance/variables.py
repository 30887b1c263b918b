"""The environment variables that affect results: an allow list, with secrets masked."""

from __future__ import annotations

import re

from ..record.secrets import mask_secrets

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = ["PLACE", "chosen_variables"]

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
