"""Reading the folders that ml-dash records to. ml-dash itself is not needed."""
