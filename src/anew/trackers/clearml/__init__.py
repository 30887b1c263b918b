"""ClearML: what a task shows, and the forwarder that makes tasks."""
