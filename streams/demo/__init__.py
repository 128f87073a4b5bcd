"""The demonstration: a simulated fleet, known changes, and what was found of them."""
