"""Tables as sources of imports: which column is what is found by their names, or said by a mapping."""
