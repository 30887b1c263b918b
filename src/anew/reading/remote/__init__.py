"""A store on a server: questions are sent there, and answered there."""
