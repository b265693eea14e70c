"""Writing tasks: a folder to begin with, a look at its code, runs under CPython."""
