"""Emit an AI agent's steps to Kafka."""
