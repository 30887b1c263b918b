"""Running an experiment again, and saying whether the result came back.

Where to find what: `recipe` reads what was captured, `code`, `packages` and `data` put it in place again, `running` runs
a program and keeps what it prints, `replay` puts these together; `series` and `verdict` compare curves, `differences`
what was captured, `comparison` both; `figure` and `words` show it.
"""
