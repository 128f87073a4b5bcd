"""What do the stateful processors share? The processor's contract, the clock, and labels. Pure."""
