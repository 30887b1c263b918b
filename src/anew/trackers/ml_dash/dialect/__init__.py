"""What stands behind `anew.dialects.ml_dash`.

What differs from `anew.Experiment` is here and nothing else: the keywords `dash_root` and `dash_url`, rows of
metrics that are read back, summaries of buffered values, and files listed and fetched by glob. A status is kept
in local mode too, an unknown keyword is an error, and whatever needs a started experiment says so.
"""

from __future__ import annotations

from anew import RUN

from .experiment import Experiment, ml_dash_experiment
from .unsupported import UNSUPPORTED

__all__ = ["RUN", "UNSUPPORTED", "Experiment", "ml_dash_experiment"]
