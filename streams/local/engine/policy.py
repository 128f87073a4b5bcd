"""What may a read-only user ask? Statements, functions, table functions, settings.

Three walls stand behind each other. This module refuses by an allow-list of verbs and table functions and a
list of functions that reach outside. The engine's own parser must call the statement a single read-only one
(`connections`), and the connection has `readonly=1`, which stops every table function that needs a grant.
And the process sees only its own folder (`sandbox`). `readonly=1` alone is not enough: engine 26.9 still
runs the function `file` (also as `APPLY file` and `arrayMap(file, …)`), INTO OUTFILE and KILL under it.
"""

from collections.abc import Iterable, Mapping, Sequence

from streams.local.engine.errors import EngineError, refused
from streams.local.engine.lexer import Token, TokenKind
from streams.local.engine.statement import Statement

VERBS = frozenset({"select", "with", "show", "describe", "desc", "exists", "explain"})
_EXPLAINED = frozenset({b"select", b"with"})
_EXPLAIN_MODES = frozenset(
    {b"ast", b"syntax", b"plan", b"pipeline", b"estimate", b"query", b"tree", b"true", b"false"}
)

# The only table functions of system.table_functions that make rows from nothing but their arguments.
TABLE_FUNCTIONS = frozenset(
    {b"numbers", b"numbers_mt", b"zeros", b"zeros_mt", b"generateseries", b"generate_series", b"primes"}
    | {b"values", b"view", b"null", b"generaterandom"}
)
# Also harmless scalar functions; the table functions need a grant, which readonly=1 denies.
_ALSO_SCALAR = frozenset({b"format", b"fuzzquery"})
# Scalar functions that reach files, the network or the server itself.
FUNCTIONS_OUTSIDE = frozenset(
    {b"file", b"chdb", b"catboostevaluate", b"getclienthttpheader", b"getmacro", b"getserversetting"}
    | {b"airedact", b"aisimilarity", b"aifilter", b"aiclassify", b"aiembed", b"aiextract", b"aigenerate"}
    | {b"aitranslate", b"addresstoline", b"addresstolinewithinlines", b"addresstosymbol", b"logtrace"}
)
_SEQUENCES = frozenset({(b"into", b"outfile"), (b"from", b"infile"), (b"parallel", b"with")})


def check_reader(statement: Statement, table_functions: Iterable[str]) -> None:
    """Lets a read-only user's statement pass, or says why not.

    Args:
        statement: The statement, its SETTINGS clauses included.
        table_functions: All that the engine has (system.table_functions).

    Raises:
        EngineError: The statement is not a single query, writes, or reaches outside.
    """
    if any(t.kind is TokenKind.BAD for t in statement.tokens):
        raise EngineError(62, "SYNTAX_ERROR", "Syntax error: an open quote or a character outside of ASCII")
    if statement.several:
        raise EngineError(62, "SYNTAX_ERROR", "Syntax error (Multi-statements are not allowed)")
    if statement.verb not in VERBS:
        raise refused(f"statements begin with {', '.join(sorted(VERBS)).upper()}")
    if statement.verb == "explain":
        _check_explained(statement.tokens)
    forbidden = {n.lower().encode() for n in table_functions} - TABLE_FUNCTIONS - _ALSO_SCALAR
    for previous, token, following in _triples(statement.tokens):
        _check_token(previous, token, following, forbidden)


def _check_explained(cut: Sequence[Token]) -> None:
    """EXPLAIN, its mode and options, then a query."""
    for token, following in zip(cut[1:], (*cut[2:], None), strict=True):
        option = following is not None and following.text == b"="
        if token.kind is TokenKind.WORD and token.text in _EXPLAINED and not option:
            return
        known = (
            token.text in _EXPLAIN_MODES or token.text in (b"=", b",", b"(") or token.kind is TokenKind.NUMBER
        )
        if not (option or known):
            break
    raise refused("EXPLAIN takes a SELECT")


def _check_token(
    previous: Token | None, token: Token, following: Token | None, forbidden: set[bytes]
) -> None:
    if token.kind not in (TokenKind.WORD, TokenKind.QUOTED):
        return
    name = token.text.lower()
    called = following is not None and following.text == b"(" and following.kind is TokenKind.PUNCTUATION
    if following is not None and token.kind is TokenKind.WORD and (name, following.text) in _SEQUENCES:
        raise refused(f"{name.decode().upper()} {following.text.decode().upper()} is not allowed")
    if called and name in forbidden:
        raise refused(f"table function {name.decode()} is not allowed")
    # A bare name is a function too, as in APPLY file and arrayMap(file, …); an alias is not.
    is_alias = previous is not None and previous.text in (b"as", b".")
    if name in FUNCTIONS_OUTSIDE and (called or not is_alias):
        raise refused(
            f"function {name.decode()} is not allowed (write a column of this name as table.column)"
        )


def _triples(cut: Sequence[Token]) -> Iterable[tuple[Token | None, Token, Token | None]]:
    return zip((None, *cut), cut, (*cut[1:], None), strict=False)


_FREE_SETTINGS = frozenset(
    {"max_threads", "max_block_size", "max_rows_to_read", "max_bytes_to_read", "read_overflow_mode", "limit"}
    | {"offset", "result_overflow_mode", "timeout_overflow_mode", "additional_table_filters", "final"}
    | {"additional_result_filter", "session_timezone", "date_time_input_format", "date_time_output_format"}
    | {"cast_string_to_dynamic_use_inference", "join_use_nulls", "group_by_use_nulls", "log_comment"}
    | {
        "extremes",
        "totals_mode",
        "prefer_column_name_to_alias",
        "do_not_merge_across_partitions_select_final",
    }
    | {"optimize_read_in_order", "use_skip_indexes_if_final", "force_primary_key", "force_index_by_date"}
)
_FORMAT_PREFIX = "output_format_"
# It names a file that the engine writes the schema to.
_FORMAT_WRITES = frozenset({"output_format_schema"})
# Clients send it to say they will only read: it is so anyway.
_IGNORED = frozenset({"readonly"})


def reader_settings(asked: Iterable[tuple[str, str]], caps: Mapping[str, int]) -> dict[str, str]:
    """The settings a read-only user gets.

    Args:
        asked: Name and value in SQL (`'60'` or `60`), from the URL and from SETTINGS clauses.
        caps: Greatest value of a capped setting; 0 and more than the cap become the cap.

    Returns:
        Name and value in SQL, caps included where the user asked for nothing.

    Raises:
        EngineError: The user may not change this setting (164), or a capped value is no number (53).
    """
    settings = {name: str(cap) for name, cap in caps.items()}
    for name, value in asked:
        if name in caps:
            settings[name] = str(_capped(name, value, caps[name]))
        elif name in _FREE_SETTINGS or (name.startswith(_FORMAT_PREFIX) and name not in _FORMAT_WRITES):
            settings[name] = value
        elif name not in _IGNORED:
            raise EngineError(164, "READONLY", f"Cannot modify '{name}' setting in readonly mode")
    return settings


def _capped(name: str, value: str, cap: int) -> int:
    try:
        number = float(value.strip("'"))
    except ValueError as error:
        raise EngineError(53, "TYPE_MISMATCH", f"Setting {name} takes a number, not {value}") from error
    # Less than a second of max_execution_time must not become 0, which means unlimited.
    return cap if not 0 < number < cap else max(1, int(number))
