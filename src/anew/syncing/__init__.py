"""What a training process needs of a server: what is to be pushed, the process that pushes, and how far it has come.

Pushing itself is in `anew.syncer`, which the process beside the program loads.
"""
