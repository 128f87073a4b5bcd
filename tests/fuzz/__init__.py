"""Broken input, and much of it."""
