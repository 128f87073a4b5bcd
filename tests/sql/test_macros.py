"""Is a query expanded as Grafana and its plugin expand it, and refused where they would leave something?"""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dashboards.macros import ALL, Scope, UnknownMacro, expand
from dashboards.queries import load_query
from tests.sql.site import Site

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
        "empty": [],
    },
)
# Names that would leave a text if any character of them were SQL, or would be taken for another name.
HOSTILE = [
    "'", "\\", "\\'", "\\\\", "\\\\'", "a\\\\b", "a\\b", "') OR 1=1 -- ", "\\') OR 1=1 -- ", "''", "--", "/*",
    "${one}", "$__timeFilter(x)", "$__all", "\ue0001\ue001", "\n", "\x00", "%27",
    "a&var-one=b", "=", "+", " ", "漢", "",
]  # fmt: skip


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
        ("f('${many:queryparam}')", "f('var-many=a&var-many=b%27c')"),
        ("f('${one:queryparam}')", "f('var-one=it%27s')"),
        ("$__conditionalAll(f('${many:queryparam}', x), $many)", "f('var-many=a&var-many=b%27c', x)"),
        ("$__conditionalAll(if(x, 1, 2) = f('${all:queryparam}'), ${all})", "1=1"),
        ("$__conditionalAll(x, $all_too) $__conditionalAll(y, $none)", "1=1 1=1"),
        ("$__conditionalAll(f('${empty:queryparam}'), $empty)", "1=1"),
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
        ("'${one}'", "not quoted"),
        ("'${one:csv}'", "not quoted"),
        ("${one:sqlstring}", "not quoted"),
        ("${one:percentencode}", "not quoted"),
        ("' ${one:percentencode}'", "not quoted"),
        ("'${missing:queryparam}'", "no variable missing"),
        ("f('${all:queryparam}')", "All of all is no value"),
        ("f('${all_too:queryparam}')", "All of all_too is no value"),
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


CHOSEN = load_query("inventory/mcp_servers").sql
LIST = CHOSEN[CHOSEN.index("arrayMap(") : CHOSEN.index(", agent_name), $agent")]


def values_of(site: Site, values: list[str]) -> list[str]:
    """What ClickHouse makes of values, as panels ask for them; first each alone, then all together."""
    alone = ", ".join(f"decodeURLComponent('${{v{number}:percentencode}}')" for number in range(len(values)))
    variables = {f"v{number}": value for number, value in enumerate(values)}
    sql = expand(f"SELECT [{alone}], {LIST}", Scope(0, 1, variables={**variables, "agent": values}))
    ((one_by_one, together),) = site.reader.query(sql).result_rows
    assert list(one_by_one) == values
    return list(together)


def test_no_value_leaves_its_text(site: Site) -> None:
    assert values_of(site, HOSTILE) == HOSTILE


@settings(max_examples=40, deadline=None)
@given(values=st.lists(st.text(st.characters(codec="utf-8")), min_size=1, max_size=20))
def test_any_value_reaches_clickhouse_as_it_is(site: Site, values: list[str]) -> None:
    assert values_of(site, values) == values


def test_grafanas_other_way_to_write_a_list_is_understood(site: Site) -> None:
    """Since its dashboards are scenes, + is a blank and @:$,; are themselves."""
    sent = LIST.replace("${agent:queryparam}", "var-agent=a+b%2B&var-agent=%5C%27@:$,;%26&var-agent=c%20d")
    assert site.reader.query(f"SELECT {sent}").result_rows == [(["a b+", "\\'@:$,;&", "c d"],)]
