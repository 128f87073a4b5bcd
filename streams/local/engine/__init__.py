"""The embedded ClickHouse: the real engine in this process (chdb), behind ClickHouse's own HTTP interface.

For one machine without a ClickHouse server. clickhouse-connect, clickhouse-go (Grafana's plugin) and any
HTTP client use it unmodified. It is one node without replication, sessions keep nothing, results are held
in memory before they are sent, and external tables and ClickHouse's own block compression are not spoken.
"""

from streams.local.engine.config import Account, EngineConfig, Limits, load_accounts
from streams.local.engine.server import serve

__all__ = ["Account", "EngineConfig", "Limits", "load_accounts", "serve"]
