"""SwanLab: runs that it keeps in a folder of logs."""
