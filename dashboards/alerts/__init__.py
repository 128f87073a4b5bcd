"""Which numbers wake somebody?

Grafana's alert rules from code: queries in SQL files, thresholds shared with panels.
"""
