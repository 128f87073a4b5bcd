"""Frames become table rows: exact money, versions made from data, nothing invented."""

from decimal import Decimal

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from schemas.columns import Kind
from schemas.frame import NO_LABEL, Header, Label, Writer, make_batch, make_header
from streams.write import dead_letters
from streams.write.rows import row_versions, to_decimal, to_table
from streams.write.stage import by_months

DAY_NS = 86_400 * 10**9


def steps(count: int, state: str = "ended") -> pa.RecordBatch:
    return make_batch(
        Kind.STEPS,
        {
            "event_id": pa.array([f"e{number}" for number in range(count)]),
            "state": pa.array([state] * count),
            "cost_pico_usd": pa.array([1_500_000] * count, pa.int64()),
        },
    )


def ledger(count: int) -> pa.RecordBatch:
    return make_batch(Kind.LEDGER, {"ledger_id": pa.array([f"l{number}" for number in range(count)])})


def header_of(kind: Kind, writer: Writer, batch: pa.RecordBatch, label: Label = NO_LABEL) -> Header:
    return make_header(kind, writer, rows=batch.num_rows, label=label)


@given(st.lists(st.one_of(st.none(), st.integers(-(2**63), 2**63 - 1)), max_size=20), st.integers(0, 5))
def test_money_keeps_every_digit_and_absent_stays_absent(values: list[int | None], skip: int) -> None:
    column = pa.array(values, pa.int64()).slice(skip)
    expected = [None if value is None else Decimal(value).scaleb(-12) for value in values[skip:]]
    assert to_decimal(column, 38).to_pylist() == expected


def test_a_row_says_its_namespace_and_money_in_usd() -> None:
    batch = steps(2)
    rows = to_table(header_of(Kind.STEPS, Writer.INGEST, batch), batch, 7, "live")
    assert rows.column("namespace").to_pylist() == ["live", "live"]
    assert rows.column("cost_usd").to_pylist() == [Decimal("0.000001500000")] * 2
    assert "cost_pico_usd" not in rows.schema.names
    assert "agent_name" not in rows.schema.names, "what is null throughout is the table's default"


def test_versions_rise_with_class_then_offset_then_row() -> None:
    batch = steps(3)
    header = header_of(Kind.STEPS, Writer.INGEST, batch)
    corrected = make_batch(Kind.CORRECTED_STEPS, {"event_id": pa.array(["e0"])})
    started = steps(1, "started")
    versions = [
        *row_versions(header_of(Kind.STEPS, Writer.INGEST, started), started, 2**36 - 1).tolist(),
        *row_versions(header, batch, 0).tolist(),
        *row_versions(header, batch, 1).tolist(),
        *row_versions(header, batch, 2**36 - 1).tolist(),
        *row_versions(
            header_of(Kind.CORRECTED_STEPS, Writer.RUNS, corrected, Label(0, 0)), corrected, 0
        ).tolist(),
    ]
    assert versions == sorted(set(versions))


def test_versions_of_outputs_come_from_their_label_so_that_a_repeat_has_the_same() -> None:
    batch = ledger(5_000)
    first = row_versions(header_of(Kind.LEDGER, Writer.DRIFT, batch, Label(9, 3)), batch, 100)
    again = row_versions(header_of(Kind.LEDGER, Writer.DRIFT, batch, Label(9, 3)), batch, 777)
    after = row_versions(header_of(Kind.LEDGER, Writer.DRIFT, batch, Label(9, 4)), batch, 101)
    later = row_versions(header_of(Kind.LEDGER, Writer.DRIFT, batch, Label(10, 0)), batch, 102)
    assert (first == again).all()
    assert first.max() < after.min() < after.max() < later.min()


def test_history_is_cut_into_inserts_of_few_months_and_no_row_is_lost() -> None:
    times = pa.array([day * DAY_NS for day in range(0, 28 * 200, 7)], pa.int64()).cast(
        pa.timestamp("ns", "UTC")
    )
    rows = pa.table({"time": times, "number": pa.array(range(len(times)))})
    parts = by_months(rows, "time")
    assert len(parts) > 1
    assert sorted(pa.concat_tables(parts).column("number").to_pylist()) == list(range(len(times)))
    for part in parts:
        months = {
            (time.year, time.month)
            for time in part.column("time").cast(pa.timestamp("us", "UTC")).to_pylist()
        }
        assert len(months) <= 50


def test_rows_of_a_few_months_stay_together() -> None:
    rows = pa.table({"time": pa.array([0, DAY_NS], pa.int64()).cast(pa.timestamp("ns", "UTC"))})
    assert by_months(rows, "time") == [rows]


def test_letters_of_two_rejected_rows_have_places_of_their_own_and_a_repeat_has_the_same() -> None:
    batch = ledger(2)
    rows = to_table(header_of(Kind.LEDGER, Writer.DRIFT, batch, Label(9, 3)), batch, 100, "live")
    one, two = rows.slice(0, 1), rows.slice(1, 1)
    places = [dead_letters.place_of_row(row, dead_letters.row_as_json(row)) for row in (one, two, one)]
    assert places[0] == places[2] != places[1]
    assert places[0][0] == 9


@given(
    st.dictionaries(st.sampled_from(("partition", "offset", "number", "append_time_unix_nano")), st.text())
)
def test_no_header_of_a_foreign_dead_letter_stops_the_role(headers: dict[str, str]) -> None:
    rows = dead_letters.to_table(
        [(headers, b"x", 5), ({"partition": "-1", "offset": "9" * 19}, b"y", 6)], "live"
    )
    assert rows.num_rows == 2
    assert rows.column("payload").to_pylist() == [b"x", b"y"]
