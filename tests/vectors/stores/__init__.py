"""Databases as each schema of the store left them; a start must bring all of them into memory."""
