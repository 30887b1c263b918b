"""Asking: the filter language and its translation to SQL, series reading, downsampling, differences."""
