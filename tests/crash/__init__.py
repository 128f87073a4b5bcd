"""Does the pipeline give the same numbers whatever is killed? Real broker, engine, processes and kills."""
