"""Code written for another tracker runs by changing one import; a module for each, named after it.

What imports the tracker itself, such as a library's logger, runs unchanged after `install("wandb")`, or as `python -m anew.dialects wandb
train.py`.
"""

from .installing import install

__all__ = ["install"]
