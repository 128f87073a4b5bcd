"""How do folder, data source, dashboards, contact points and alert rules get into a Grafana, and out of it?

Through its HTTP API; files for those who prefer them come from `dashboards.provisioning`.
"""
