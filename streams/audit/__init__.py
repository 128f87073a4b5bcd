"""Is what was sent what is stored? Reads the source topics anew and compares; repairs what can be repaired.

Stands beside the pipeline, not in it: its reader shares the dialects' decoders with INGEST and nothing else.
"""
