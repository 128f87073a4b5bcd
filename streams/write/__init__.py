"""WRITE: frames become blocks, blocks become rows in ClickHouse. Stateless."""
