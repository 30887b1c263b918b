"""Code written for other trackers, and runs of theirs that mirror ours: a folder for each tracker."""
