"""Moving everything that is true of a store to another place: a folder, or the stores of a group."""
