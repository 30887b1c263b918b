"""Sweeps: settings that are tried by any number of agents at once, each trial an experiment below the sweep's.

```python
from anew.sweeps import create_sweep, run_agent

sweep = create_sweep({"method": "random", "parameters": {"lr": {"min": 0.001, "max": 0.1}}, "run_cap": 10}, "alice/digits/search")
run_agent(sweep, train)  # train(trial) is called with each trial
```
"""

from __future__ import annotations

from typing import Any

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .agent import run_agent
    from .sweep import Stopped, Sweep, Trial, create_sweep

_HOMES = {
    "Stopped": "sweep",
    "Sweep": "sweep",
    "Trial": "sweep",
    "create_sweep": "sweep",
    "run_agent": "agent",
}

__all__ = ["Stopped", "Sweep", "Trial", "create_sweep", "run_agent"]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    value = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    globals()[name] = value
    return value
