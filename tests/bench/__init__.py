"""Speed, as ratios against raw limits of the same run. `make bench` prints the table."""
