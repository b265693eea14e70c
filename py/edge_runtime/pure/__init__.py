"""Decides: never waits, reads no clock, knows no browser."""
