"""TensorBoard: the writer of `torch.utils.tensorboard` and tensorboardX, and event files."""
