"""Runs one function of a group in a process of its own: `python -m benchmarks.child module:name [args]`."""

import importlib
import json
import sys

if __name__ == "__main__":
    module, _, name = sys.argv[1].partition(":")
    result = getattr(importlib.import_module(module), name)(*json.loads(sys.argv[2]))
    print(json.dumps(result), flush=True)
