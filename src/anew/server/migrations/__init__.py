"""How tables that are truth become newer ones: see decision 69."""
