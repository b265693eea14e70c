"""Simulated hours of a site's life, with everything that can go wrong, by a seed."""
