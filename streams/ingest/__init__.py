"""INGEST: bytes of any agent become framed, priced steps. Stateless."""
