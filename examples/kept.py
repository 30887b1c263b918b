"""Log what others round, reorder or refuse, and read it back bit for bit."""

import math

from anew import Experiment, Store

points = [(5, 0.1 + 0.2), (3, math.nan), (3, math.inf), (-1, -math.inf), (5, -0.0), (2**53, 5e-324)]

with Experiment("kept", tags=["example"], quiet=True) as exp:
    for step, value in points:
        exp.log_metric("value", value, step=step)

with Store() as store:
    rows = store[exp.id].metrics["value"].rows()

for (step, value), row in zip(points, rows, strict=True):
    same = row["step"] == step and repr(row["value"]) == repr(value)
    print(f"step {step:>16}  value {value!r:>22}  {'kept' if same else 'CHANGED: ' + repr(row)}")
    assert same
