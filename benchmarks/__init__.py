"""Measurements of Anew beside floors and peers: `python -m benchmarks [name …]`.

A file per group. Each measures ours and what it is held against in the same run, in paired rounds, so that
a busy machine slows both. Floors are the least work that could do the job; peers are other trackers.
"""
