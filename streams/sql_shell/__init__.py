"""What does ClickHouse say? Behind `wakeline sql`: statements in, rows out; also at a prompt.

`statements` cuts text, `answers` prints what comes back, `backslash` knows the commands that begin with one,
`shell` runs them all, `prompt` and `completion` are for people. None knows settings or the command line.
"""

from streams.sql_shell.answers import Format
from streams.sql_shell.shell import Shell, run_sql

__all__ = ["Format", "Shell", "run_sql"]
