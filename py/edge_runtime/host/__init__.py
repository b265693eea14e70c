"""The border: the ports and what implements them in a browser and under CPython."""
