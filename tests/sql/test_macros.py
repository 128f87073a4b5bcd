"""Is a query expanded as Grafana and its plugin expand it, and refused where they would leave something?"""

import pytest

from dashboards.macros import ALL, Scope, UnknownMacro, expand, sqlstring

SCOPE = Scope(
    100,
    200,
    60,
    {
        "one": "it's",
        "many": ["a", "b'c"],
        "all": ALL,
        "all_too": [ALL],
        "none": "",
        "odd": "$__x -- ) {{",
        "wild": "\\' OR 1=1 % 漢",
    },
    {"all": ["x", "y"], "all_too": ["z"]},
)


@pytest.mark.parametrize(
    ("sql", "expanded"),
    [
        ("$__timeFilter(t)", "t >= toDateTime(100) AND t <= toDateTime(200)"),
        (
            "$__timeFilter_ms(t)",
            "t >= fromUnixTimestamp64Milli(100000) AND t <= fromUnixTimestamp64Milli(200000)",
        ),
        ("$__timeFrom(t) AND $__timeTo(t)", "t >= toDateTime(100) AND t <= toDateTime(200)"),
        ("$__fromTime, $__toTime", "toDateTime(100), toDateTime(200)"),
        ("$__toTime_ms", "fromUnixTimestamp64Milli(200000)"),
        ("$__timeInterval(t)", "toStartOfInterval(toDateTime(t), INTERVAL 60 second)"),
        ("$__timeInterval(f(a, b))", "toStartOfInterval(toDateTime(f(a, b)), INTERVAL 60 second)"),
        ("$__interval_s", "60"),
        ("$__timeFrom(f($__timeTo(t)))", "f(t <= toDateTime(200)) >= toDateTime(100)"),
        ("x IN (${many:sqlstring})", "x IN ('a','b''c')"),
        ("x = ${one:sqlstring}", "x = 'it''s'"),
        ("x IN (${all:sqlstring}, ${all_too:sqlstring})", "x IN ('x','y', 'z')"),
        ("$__conditionalAll(x IN (${many:sqlstring}), $many)", "x IN ('a','b''c')"),
        ("$__conditionalAll(if(x, 1, 2) = ${all:sqlstring}, ${all})", "1=1"),
        ("$__conditionalAll(x, $all_too) $__conditionalAll(y, $none)", "1=1 1=1"),
        ("x = ${odd:sqlstring}", "x = '$__x -- ) {{'"),
        ("x = f('${odd:percentencode}')", "x = f('%24__x%20--%20%29%20%7B%7B')"),
        ("x = f('${wild:percentencode}')", "x = f('%5C%27%20OR%201%3D1%20%25%20%E6%BC%A2')"),
        ("a -- $b\n, '--c' /* $d */", "a  \n, '--c'"),
    ],
)
def test_what_is_known_is_expanded(sql: str, expanded: str) -> None:
    assert expand(sql, SCOPE) == expanded


@pytest.mark.parametrize(
    ("sql", "says"),
    [
        ("$__timeGroup(t, '5m')", "no macro"),
        ("$__nope", "no macro"),
        ("$one", "Not expanded"),
        ("${one}", "not quoted"),
        ("${one:csv}", "not quoted"),
        ("${missing:sqlstring}", "no variable missing"),
        ("'${many:percentencode}'", "takes one value, not 2"),
        ("$__conditionalAll(x, $missing)", "no variable missing"),
        ("$__conditionalAll(x)", "takes an expression and a variable"),
        ("$__timeFilter(t", "open parenthesis"),
        ("$__timeFilter()", "takes 1 arguments, not 0"),
        ("$__timeFilter(a, b)", "takes 1 arguments, not 2"),
        ("SELECT '$'", "Not expanded"),
    ],
)
def test_what_would_reach_clickhouse_unexpanded_is_refused(sql: str, says: str) -> None:
    with pytest.raises(UnknownMacro, match=says):
        expand(sql, SCOPE)


def test_an_interval_is_at_least_a_second() -> None:
    assert "INTERVAL 1 second" in expand("$__timeInterval(t)", Scope(0, 1, 0))


def test_no_value_is_an_empty_list() -> None:
    assert sqlstring([]) == ""
