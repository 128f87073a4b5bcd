"""The contract: what agents emit, what moves between roles, and what ClickHouse stores. Pure, no I/O."""
