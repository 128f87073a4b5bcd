"""Numbered SQL: the tables and views of ClickHouse."""
