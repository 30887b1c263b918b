"""Reading offline sessions of ClearML. ClearML itself is not needed."""
