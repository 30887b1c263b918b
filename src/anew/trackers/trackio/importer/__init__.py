"""Reading databases of trackio. trackio itself is not needed."""
