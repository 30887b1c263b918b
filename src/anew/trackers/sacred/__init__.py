"""Sacred: runs that its observer for files keeps."""
