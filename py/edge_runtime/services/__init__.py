"""Acts: asynchronous services over injected ports; no service imports another."""
