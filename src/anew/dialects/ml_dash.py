"""Code written for ml-dash: `from anew.dialects.ml_dash import Experiment, RUN, ml_dash_experiment`.

What differs from `anew.Experiment` is here and nothing else: the keywords `dash_root` and `dash_url`, rows of
metrics that are read back, summaries of buffered values, and files listed and fetched by glob. A status is kept
in local mode too, an unknown keyword is an error, and whatever needs a started experiment says so.
"""

from __future__ import annotations

from ..trackers.ml_dash.dialect import RUN, UNSUPPORTED, Experiment, ml_dash_experiment

__all__ = ["RUN", "UNSUPPORTED", "Experiment", "ml_dash_experiment"]
