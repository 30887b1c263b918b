"""Loggers and callbacks for training frameworks, a framework each; they use the public names only."""
