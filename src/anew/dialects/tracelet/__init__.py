"""Code written for tracelet: `import anew.dialects.tracelet as tracelet`.

One experiment is logged at a time: `start_logging` ends the one before. Everything is recorded here; a backend other than
"local" is where it is forwarded to as well, in the background, and `stop_logging` says what was not sent in time.
"""

from __future__ import annotations

from ...trackers.tracelet.dialect import (
    UNSUPPORTED,
    Experiment,
    ExperimentConfig,
    start_logging,
    stop_logging,
)

__all__ = ["UNSUPPORTED", "Experiment", "ExperimentConfig", "start_logging", "stop_logging"]
