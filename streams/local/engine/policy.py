"""What may a read-only user ask? Statements, functions, table functions, settings.

Three walls stand behind each other. This module refuses by an allow-list of verbs and table functions and a
list of functions that reach outside. The engine's own parser must call the statement a single read-only one
(`connections`), and the connection has `readonly=1`, which stops every table function that needs a grant.
And the process sees only its own folder (`sandbox`). `readonly=1` alone is not enough: engine 26.9 still
runs the function `file` (also as `APPLY file` and `arrayMap(file, …)`), INTO OUTFILE and KILL under it.
"""

import re
from collections.abc import Iterable, Mapping, Sequence

from streams.local.engine.errors import EngineError, refused
from streams.local.engine.lexer import Token, TokenKind, tokens, unescape
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
_PLAIN_NAME = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*", re.ASCII)
# What may follow a table that is called settings.
_AFTER_A_TABLE = frozenset(
    {b"as", b"where", b"prewhere", b"order", b"group", b"limit", b"union", b"join", b"left", b"inner"}
    | {b"on", b"using", b"format", b"having", b"cross", b"full", b"right", b"any", b"asof"}
)
_SEQUENCES = frozenset({(b"into", b"outfile"), (b"from", b"infile"), (b"parallel", b"with")})


def check_reader(statement: Statement, table_functions: Iterable[str], params: Mapping[str, str]) -> None:
    """Lets a read-only user's statement pass, or says why not.

    Args:
        statement: The statement without its outermost SETTINGS clauses (`hoist_settings`). Those of inner
            queries are refused: nobody has judged them.
        table_functions: All that the engine has (system.table_functions).
        params: Values of `{name:Type}`; one of type Identifier may name a function.

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
    _check_tokens(statement.tokens, _forbidden(table_functions))
    _check_identifiers(statement.tokens, params)


def check_filters(value: bytes, table_functions: Iterable[str]) -> None:
    """Lets the expressions pass that `additional_table_filters` or `additional_result_filter` carries.

    Args:
        value: The setting's value in SQL: a map or a string, or a string that holds a map.
        table_functions: All that the engine has.

    Raises:
        EngineError: An expression reaches outside, or cannot be read.
    """
    level = list(tokens(value))
    if len(level) == 1 and level[0].text.startswith((b"'{", b"' {")):
        level = list(tokens(_string_value(level[0])))
    for token in level:
        if token.kind is TokenKind.STRING:
            expression = tuple(tokens(_string_value(token)))
            if any(t.kind is TokenKind.BAD or t.text in (b";", b"identifier") for t in expression):
                raise refused("a filter that cannot be read")
            _check_tokens(expression, _forbidden(table_functions))
        elif token.text not in (b"{", b"}", b",", b":"):
            raise refused("a filter that is not a string or a map of strings")


def _check_identifiers(cut: Sequence[Token], params: Mapping[str, str]) -> None:
    """A parameter of type Identifier may name a function, and its value may be escaped or quoted in turn."""
    for name, colon, kind in zip(cut, cut[1:], cut[2:], strict=False):
        if colon.text != b":" or kind.text != b"identifier":
            continue
        for value in (v for n, v in params.items() if n.lower().encode() == name.text.lower()):
            parts = value.lower().split(".")
            if not _PLAIN_NAME.fullmatch(value) or any(p.encode() in FUNCTIONS_OUTSIDE for p in parts):
                raise refused(f"parameter {name.text.decode()} is no plain name of a table or column")


def _string_value(token: Token) -> bytes:
    value = unescape(token.text[1:-1]) if token.kind is TokenKind.STRING and token.text[:1] == b"'" else None
    if value is None:
        raise refused("a filter with escapes other than \\' and \\\\")
    return value


def _forbidden(table_functions: Iterable[str]) -> set[bytes]:
    return {n.lower().encode() for n in table_functions} - TABLE_FUNCTIONS - _ALSO_SCALAR


def _check_tokens(cut: Sequence[Token], forbidden: set[bytes]) -> None:
    for previous, token, following in _triples(cut):
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
    if token == (TokenKind.WORD, b"settings", token.start, token.end) and _begins_settings(following):
        raise refused("SETTINGS stand at the end of the outermost query, as name = value")
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


def _begins_settings(following: Token | None) -> bool:
    if following is None or following.kind not in (TokenKind.WORD, TokenKind.QUOTED):
        return False
    return following.kind is TokenKind.QUOTED or following.text not in _AFTER_A_TABLE


def _triples(cut: Sequence[Token]) -> Iterable[tuple[Token | None, Token, Token | None]]:
    return zip((None, *cut), cut, (*cut[1:], None), strict=False)


_FREE_SETTINGS = frozenset(
    {"max_rows_to_read", "max_bytes_to_read", "read_overflow_mode", "limit"}
    | {"offset", "result_overflow_mode", "timeout_overflow_mode", "final"}
    | {"session_timezone", "date_time_input_format", "date_time_output_format"}
    | {"cast_string_to_dynamic_use_inference", "join_use_nulls", "group_by_use_nulls", "log_comment"}
    | {
        "extremes",
        "totals_mode",
        "prefer_column_name_to_alias",
        "do_not_merge_across_partitions_select_final",
    }
    | {"optimize_read_in_order", "use_skip_indexes_if_final", "force_primary_key", "force_index_by_date"}
)
_CAPPED_WHEN_ASKED = {"max_threads": 64, "max_block_size": 1 << 20}
FILTERS = frozenset({"additional_table_filters", "additional_result_filter"})
_FORMAT_PREFIX = "output_format_"
# It names a file that the engine writes the schema to.
_FORMAT_WRITES = frozenset({"output_format_schema"})
# Clients send it to say they will only read: it is so anyway.
_IGNORED = frozenset({"readonly"})


def reader_settings(
    asked: Iterable[tuple[str, str]], caps: Mapping[str, int], table_functions: Iterable[str]
) -> dict[str, str]:
    """The settings a read-only user gets.

    Args:
        asked: Name and value in SQL (`'60'` or `60`), from the URL and from SETTINGS clauses.
        caps: Greatest value of a capped setting; 0 and more than the cap become the cap.
        table_functions: All that the engine has; filters are expressions and are judged like statements.

    Returns:
        Name and value in SQL, caps included where the user asked for nothing.

    Raises:
        EngineError: The user may not change this setting (164), or a capped value is no number (53).
    """
    settings = {name: str(cap) for name, cap in caps.items()}
    for name, value in asked:
        cap = caps.get(name) or _CAPPED_WHEN_ASKED.get(name)
        if cap is not None:
            settings[name] = str(_capped(name, value, cap))
        elif name in FILTERS:
            check_filters(value.encode(errors="surrogateescape"), table_functions)
            settings[name] = value
        elif not name.isidentifier():
            raise EngineError(115, "UNKNOWN_SETTING", f"Unknown setting '{name}'")
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
