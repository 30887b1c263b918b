"""Reading the folders of Sacred's FileStorageObserver. Sacred itself is not needed."""
