"""The smallest useful program: one experiment, two curves. Then: `anew show examples/line/first`."""

import random

from anew import Experiment

config = {"lr": 0.1, "steps": 200, "seed": 0}
rng = random.Random(config["seed"])
slope, intercept = 0.0, 0.0

with Experiment("examples/line/first", config=config, tags=["example"]) as exp:
    for step in range(config["steps"]):
        x = rng.uniform(-1, 1)
        error = slope * x + intercept - (3 * x + 1 + rng.gauss(0, 0.1))
        slope -= config["lr"] * error * x
        intercept -= config["lr"] * error
        exp.log_metrics({"loss": error**2, "slope": slope}, step=step)
    exp.params.set(slope=slope, intercept=intercept)
    exp.log(f"y = {slope:.2f} x + {intercept:.2f}")
