"""Code written for another tracker runs by changing one import; a file for each, named after it."""
