"""DRIFT: settled steps of an agent meet in one order: summed by minute and hour, and watched for changes."""
