"""What programs that talk the Model Context Protocol may ask of a store, and do to it."""
