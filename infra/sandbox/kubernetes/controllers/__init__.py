"""Loops that bring the live state to what the objects ask for; one file per kind."""
