"""How good are the detectors beside others, on changes whose time is known? ``make bench-drift`` tells."""
