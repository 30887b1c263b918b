"""Measurements of the weights room beside safetensors, torch.save, coral-ml and a blosc2 / zstd floor.

`python -m benchmarks.weights [group …] [--quick]` prints one table and writes `RESULTS.md` beside this file.
"""
