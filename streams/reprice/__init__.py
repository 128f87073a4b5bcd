"""New prices for what is stored: the difference first, then steps, runs and windows."""
