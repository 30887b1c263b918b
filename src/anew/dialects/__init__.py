"""Code written for another tracker runs by changing one import; a module for each, named after it."""
