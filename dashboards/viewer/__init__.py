"""How do the dashboards look without Grafana? The same JSON, drawn in a browser, from ClickHouse.

A viewer, not a Grafana: nothing is edited, nothing is stored. The browser names a dashboard, a panel and what
was chosen; SQL stays on this side (`dashboards.macros` expands it) and is asked as a user that may only read.
What the browser runs stands in `static/`: plain modules, no build step, and plotly.js out of its own wheel.
"""
