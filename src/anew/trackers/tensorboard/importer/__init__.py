"""Reading TensorBoard's event files. Neither TensorBoard nor TensorFlow is needed."""
