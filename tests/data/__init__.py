"""Turns recorded data of others into native events. The data stays where it is."""
