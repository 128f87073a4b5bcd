"""RUNS: steps meet the rest of their run: counted once, attributed, added up, and watched for loops."""
