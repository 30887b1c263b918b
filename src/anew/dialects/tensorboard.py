"""Code written for TensorBoard: `from anew.dialects.tensorboard import SummaryWriter`.

The writer of `torch.utils.tensorboard` and of tensorboardX. A log directory is an experiment: its prefix is the directory's
path, and a writer of the same directory continues it. Numbers are kept as float64, where an event file has float32.
"""

from ..trackers.tensorboard.dialect import UNSUPPORTED, SummaryWriter

__all__ = ["UNSUPPORTED", "SummaryWriter"]
