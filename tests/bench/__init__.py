"""Benchmarks: every figure is measured beside a named peer, in the same browser and run."""
