"""What runs beside tasks' code, in a VM of its own or in the core's interpreter."""
