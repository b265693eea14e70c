"""One suite per port; the same functions run on every host."""
