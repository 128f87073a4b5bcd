"""Which columns has a frame of each kind? Arrow schemas, version by version.

Names are those of the event's fields and of the ClickHouse tables, so that a column keeps one name from the
emitter to the dashboard. Absent is null. Money travels as whole pico-USD (1e-12 USD) in 64-bit integers: a
sum of integers does not depend on its order, and 9.2 million USD fit in one sum. Times are nanoseconds,
durations too. Labels stay plain strings: Kafka compresses them, and Arrow encodes them as dictionaries in
10 ns a row where a reader wants codes.
"""

from enum import IntEnum
from typing import Literal

import pyarrow as pa

TIME = pa.timestamp("ns", tz="UTC")
ATTRIBUTES = pa.map_(pa.string(), pa.string())
# Log buckets of durations: bucket index -> count (see streams.windows.buckets).
BUCKETS = pa.map_(pa.int16(), pa.int64())
# A number for each name.
COUNTS = pa.map_(pa.string(), pa.int64())


class Kind(IntEnum):
    """What the rows of a frame are; the number is on the wire."""

    TICK = 0
    STEPS = 1
    CONTENTS = 2
    SIGNALS = 3
    CORRECTED_STEPS = 4
    RUNS = 5
    WINDOWS = 6
    READINGS = 7
    INCIDENTS = 8
    LEDGER = 9


class TimeFlag(IntEnum):
    """What is unusual about a step's times."""

    OK = 0
    BEFORE_2020 = 1
    AFTER_APPEND = 2  # more than a day after the broker appended it
    ENDS_BEFORE_START = 3  # no duration is stored


class CostStatus(IntEnum):
    """How a step's cost was found; the names are those of the ClickHouse enum."""

    NONE = 0  # nothing to bill: no usage, or not a call of a model
    PRICED = 1
    PARTIAL = 2  # some of the tokens have no price; the cost is that of the rest
    UNPRICED = 3  # there is usage, but no price: the cost is null
    ROLLUP = 4  # usage of an agent, run or chain repeats that of its calls: never billed
    FREE = 5  # a price of nothing, or an answer out of a cache of responses
    REPORTED = 6  # no price is known: the cost is what the emitter said
    DUPLICATE = 7  # another step of the run is the same call of a model: that one is billed


STEP_COLUMNS: list[tuple[str, pa.DataType]] = [
    ("event_id", pa.string()),
    ("run_id", pa.string()),
    ("parent_event_id", pa.string()),
    ("kind", pa.string()),
    ("state", pa.string()),
    ("operation_name", pa.string()),
    ("step_name", pa.string()),
    ("agent_name", pa.string()),
    ("agent_id", pa.string()),
    ("agent_version", pa.string()),
    ("service_name", pa.string()),
    ("environment", pa.string()),
    ("team", pa.string()),
    ("task", pa.string()),
    ("conversation_id", pa.string()),
    ("user_id", pa.string()),
    ("business_key", pa.string()),
    ("provider_name", pa.string()),
    ("request_model", pa.string()),
    ("response_model", pa.string()),
    ("response_id", pa.string()),
    ("time", TIME),  # start, or 1970-01-01 where it is out of range: part of the key, never corrected
    ("start_time", TIME),  # as emitted
    ("duration_ns", pa.int64()),
    ("time_flag", pa.int8()),
    ("time_to_first_chunk_s", pa.float64()),
    ("input_tokens", pa.int64()),
    ("output_tokens", pa.int64()),
    ("cache_read_input_tokens", pa.int64()),
    ("cache_write_input_tokens", pa.int64()),
    ("reasoning_output_tokens", pa.int64()),
    ("finish_reasons", pa.list_(pa.string())),
    ("prompt_name", pa.string()),
    ("prompt_fingerprint", pa.string()),
    ("tools_fingerprint", pa.string()),
    ("tool_name", pa.string()),
    ("tool_call_id", pa.string()),
    ("tool_call_hash", pa.int64()),  # tool and arguments: the same call has the same hash
    ("guardrail_verdict", pa.string()),
    ("handoff_to_agent", pa.string()),
    ("error_type", pa.string()),
    ("error_message", pa.string()),
    ("outcome_name", pa.string()),
    ("outcome_success", pa.bool_()),
    ("outcome_value", pa.float64()),
    ("evaluation_name", pa.string()),
    ("evaluation_score_value", pa.float64()),
    ("evaluation_score_label", pa.string()),
    ("dropped_events", pa.int64()),
    ("scope_name", pa.string()),
    ("scope_version", pa.string()),
    ("attributes", ATTRIBUTES),
    ("resource_attributes", ATTRIBUTES),
    ("cost_pico_usd", pa.int64()),
    ("cost_input_pico_usd", pa.int64()),
    ("cost_cache_read_pico_usd", pa.int64()),
    ("cost_cache_write_pico_usd", pa.int64()),
    ("cost_output_pico_usd", pa.int64()),
    ("cost_status", pa.int8()),
    ("price_id", pa.string()),
    ("price_book", pa.string()),
    ("append_time", TIME),  # of the broker at the source: lateness and TTLs count from it
    ("source_topic", pa.int8()),
    ("source_partition", pa.int32()),
    ("source_offset", pa.int64()),
    ("source_index", pa.int32()),  # within the message
]

# Since version 2: what dialects say beyond, and what it takes to decide later whether a step is billed.
STEP_COLUMNS_2: list[tuple[str, pa.DataType]] = [
    ("span_name", pa.string()),
    ("agent_hint", pa.string()),  # an agent's name out of a span's name: used where no ancestor names one
    ("cache_write_1h_input_tokens", pa.int64()),  # of cache_write_input_tokens
    ("input_audio_tokens", pa.int64()),  # of input_tokens
    ("output_audio_tokens", pa.int64()),  # of output_tokens
    ("service_tier", pa.string()),
    ("response_cached", pa.bool_()),
    ("server_address", pa.string()),
    ("prompt_version", pa.string()),
    ("mcp_method_name", pa.string()),
    ("guardrail_name", pa.string()),
    ("guardrail_reason", pa.string()),
    ("evaluation_explanation", pa.string()),
    ("dialect", pa.string()),
    ("token_convention", pa.string()),
    ("sources", ATTRIBUTES),
    ("cost_audio_pico_usd", pa.int64()),
    ("cost_requests_pico_usd", pa.int64()),
    # What the usage costs, were it billed: of roll-ups and duplicates too. Their cost_* in a frame are of
    # that usage as well; the table of steps leaves them out.
    ("usage_cost_pico_usd", pa.int64()),
    ("reported_cost_pico_usd", pa.int64()),  # what the emitter says, whatever we charge
    ("price_status", pa.int8()),  # CostStatus of the usage, were it billed
    ("cost_reason", pa.string()),  # why the status is what it is, where that needs a word
]

CONTENT_COLUMNS: list[tuple[str, pa.DataType]] = [
    ("event_id", pa.string()),
    ("run_id", pa.string()),
    ("time", TIME),
    ("append_time", TIME),
    ("name", pa.string()),  # which of the event's content fields
    ("content", pa.string()),  # the head, at most 256 kB
    ("length_bytes", pa.int64()),  # of the whole
    ("hash", pa.string()),  # BLAKE2b-128 of the whole, hexadecimal
]

# What DRIFT reads: settled steps. Weights -1 and +1 correct windows; detectors see a step when it is `first`.
# Since version 2 also runs that closed, in rows of weight 0.
SIGNAL_COLUMNS: list[tuple[str, pa.DataType]] = [
    ("event_id", pa.string()),
    ("run_id", pa.string()),
    ("weight", pa.int8()),
    ("first", pa.bool_()),  # settled for the first time
    ("kind", pa.string()),
    ("step_name", pa.string()),
    ("agent_name", pa.string()),
    ("agent_version", pa.string()),
    ("environment", pa.string()),
    ("model", pa.string()),  # as answered, else as asked for
    ("time", TIME),
    ("duration_ns", pa.int64()),
    ("input_tokens", pa.int64()),
    ("output_tokens", pa.int64()),
    ("cache_read_input_tokens", pa.int64()),
    ("cache_write_input_tokens", pa.int64()),
    ("reasoning_output_tokens", pa.int64()),
    ("error", pa.bool_()),
    ("cost_pico_usd", pa.int64()),
    ("cost_status", pa.int8()),
    ("append_time", TIME),
]

# Since version 2: what the detectors of rates, mixes and runs watch.
SIGNAL_COLUMNS_2: list[tuple[str, pa.DataType]] = [
    ("finish_reason", pa.string()),  # the first one
    ("outcome_success", pa.bool_()),
    # Of a row of weight 0 alone: a run has closed, for the first time. `time` is its end.
    ("run_steps", pa.int64()),
    ("run_cost_pico_usd", pa.int64()),  # null where a step has no price
    ("run_failed", pa.bool_()),  # its root ended in an error; null without a root
]

RUN_COLUMNS: list[tuple[str, pa.DataType]] = [
    ("run_id", pa.string()),
    (
        "part",
        pa.int64(),
    ),  # input offset at which RUNS first met it; a forgotten run that returns is a new part
    ("opened_time", TIME),  # `time` of the first step met: part of the key
    ("state", pa.string()),  # open, closed
    ("start_time", TIME),
    ("end_time", TIME),
    ("root_event_id", pa.string()),
    ("agent_name", pa.string()),
    ("agent_version", pa.string()),
    ("environment", pa.string()),
    ("team", pa.string()),
    ("task", pa.string()),
    ("conversation_id", pa.string()),
    ("user_id", pa.string()),
    ("business_key", pa.string()),
    ("agents", pa.list_(pa.string())),
    ("steps", pa.int64()),
    ("llm_calls", pa.int64()),
    ("tool_calls", pa.int64()),
    ("errors", pa.int64()),
    ("duplicates", pa.int64()),
    ("input_tokens", pa.int64()),
    ("output_tokens", pa.int64()),
    ("cache_read_input_tokens", pa.int64()),
    ("cache_write_input_tokens", pa.int64()),
    ("reasoning_output_tokens", pa.int64()),
    ("cost_pico_usd", pa.int64()),
    ("unpriced_steps", pa.int64()),
    ("repeated_tool_calls", pa.int64()),  # greatest number of identical calls: the loop rule's statistic
    ("outcome_name", pa.string()),
    ("outcome_success", pa.bool_()),
    ("outcome_value", pa.float64()),
    ("append_time", TIME),
]

# Since version 2: made from the remembered steps of a run (see `streams.runs.totals`).
RUN_COLUMNS_2: list[tuple[str, pa.DataType]] = [
    ("depth", pa.int64()),  # greatest nesting; a single step has 1
    ("roots", pa.int64()),  # steps without a parent
    ("orphans", pa.int64()),  # steps whose parent was never seen
    ("parent_cycles", pa.int64()),  # loops of parents
    ("steps_outside_parent", pa.int64()),  # begin before their parent or end after it: clocks, or no waiting
    ("unended_steps", pa.int64()),  # began and never ended
    ("truncated", pa.bool_()),  # of more steps than are remembered: what follows leaves the rest out
    ("path_truncated", pa.bool_()),  # of too many steps for a critical path: that is null
    # The critical path: what determined the duration. The four add up to it.
    ("critical_llm_ns", pa.int64()),
    ("critical_tool_ns", pa.int64()),
    ("critical_other_ns", pa.int64()),  # agents', chains' and other steps' own time
    ("critical_waiting_ns", pa.int64()),  # no step ran
    ("critical_steps", COUNTS),  # step name -> nanoseconds on the path; the five greatest
    # Shares: agent -> number; each adds up to the run's.
    ("steps_by_agent", COUNTS),
    ("llm_calls_by_agent", COUNTS),
    ("tool_calls_by_agent", COUNTS),
    ("input_tokens_by_agent", COUNTS),
    ("output_tokens_by_agent", COUNTS),
    ("cost_by_agent_pico_usd", COUNTS),
    (
        "self_ns_by_agent",
        COUNTS,
    ),  # time of its steps in which no step below them ran; side by side counts twice
    ("agents_started", COUNTS),  # "one -> other" -> steps of the other right below a step of the one
]

WINDOW_COLUMNS: list[tuple[str, pa.DataType]] = [
    ("width_s", pa.int32()),
    ("window_start", TIME),
    ("agent_name", pa.string()),
    ("agent_version", pa.string()),
    ("environment", pa.string()),
    ("kind", pa.string()),
    ("step_name", pa.string()),
    ("model", pa.string()),
    ("epoch_start", TIME),  # of the partition's clock; queries add epochs up
    ("steps", pa.int64()),
    ("errors", pa.int64()),
    ("input_tokens", pa.int64()),
    ("output_tokens", pa.int64()),
    ("cache_read_input_tokens", pa.int64()),
    ("cache_write_input_tokens", pa.int64()),
    ("reasoning_output_tokens", pa.int64()),
    ("cost_pico_usd", pa.int64()),
    ("unpriced_steps", pa.int64()),
    ("durations", pa.int64()),  # steps that have one
    ("duration_ns", pa.int64()),  # their sum
    ("duration_buckets", BUCKETS),
]

READING_COLUMNS: list[tuple[str, pa.DataType]] = [
    ("time", TIME),  # the minute, or the moment of the alarm, by the partition's clock
    ("agent_name", pa.string()),
    ("step_name", pa.string()),
    ("signal", pa.string()),
    ("alarm", pa.bool_()),  # false: the minute's summary
    ("n", pa.int64()),  # observations of the stream so far
    ("last", pa.float64()),
    ("statistic", pa.float64()),  # the minute's greatest
    ("threshold", pa.float64()),
    ("direction", pa.string()),
    ("detector", pa.string()),
]

INCIDENT_COLUMNS: list[tuple[str, pa.DataType]] = [
    ("incident_id", pa.string()),
    ("opened_time", TIME),
    ("closed_time", TIME),
    ("state", pa.string()),  # open, confirmed, closed
    ("agent_name", pa.string()),
    ("step_name", pa.string()),
    ("signal", pa.string()),
    ("run_id", pa.string()),  # of a rule about one run
    ("detector", pa.string()),
    ("direction", pa.string()),
    ("n", pa.int64()),
    ("statistic", pa.float64()),
    ("threshold", pa.float64()),
    ("reference_level", pa.float64()),
    ("current_level", pa.float64()),
    ("summary", pa.string()),
]

# Since version 2: when it was confirmed, which category moved, and between which values the levels lie.
INCIDENT_COLUMNS_2: list[tuple[str, pa.DataType]] = [
    ("confirmed_time", TIME),
    ("category", pa.string()),  # of a mix: the tool, model or reason whose share is told
    ("reference_low", pa.float64()),
    ("reference_high", pa.float64()),
    ("current_low", pa.float64()),
    ("current_high", pa.float64()),
]

LEDGER_COLUMNS: list[tuple[str, pa.DataType]] = [
    ("ledger_id", pa.string()),
    ("time", TIME),
    ("role", pa.string()),
    ("entry", pa.string()),
    ("count", pa.int64()),
    ("detail", pa.string()),
]

# (kind, version) -> schema. Readers accept the newest version of a kind and the one before it.
SCHEMAS: dict[tuple[Kind, int], pa.Schema] = {
    (Kind.STEPS, 1): pa.schema(STEP_COLUMNS),
    (Kind.STEPS, 2): pa.schema([*STEP_COLUMNS, *STEP_COLUMNS_2]),
    (Kind.CONTENTS, 1): pa.schema(CONTENT_COLUMNS),
    (Kind.SIGNALS, 1): pa.schema(SIGNAL_COLUMNS),
    (Kind.SIGNALS, 2): pa.schema([*SIGNAL_COLUMNS, *SIGNAL_COLUMNS_2]),
    (Kind.CORRECTED_STEPS, 1): pa.schema([*STEP_COLUMNS, ("is_deleted", pa.bool_())]),
    (Kind.CORRECTED_STEPS, 2): pa.schema([*STEP_COLUMNS, ("is_deleted", pa.bool_()), *STEP_COLUMNS_2]),
    (Kind.RUNS, 1): pa.schema(RUN_COLUMNS),
    (Kind.RUNS, 2): pa.schema([*RUN_COLUMNS, *RUN_COLUMNS_2]),
    (Kind.WINDOWS, 1): pa.schema(WINDOW_COLUMNS),
    (Kind.READINGS, 1): pa.schema(READING_COLUMNS),
    (Kind.INCIDENTS, 1): pa.schema(INCIDENT_COLUMNS),
    (Kind.INCIDENTS, 2): pa.schema([*INCIDENT_COLUMNS, *INCIDENT_COLUMNS_2]),
    (Kind.LEDGER, 1): pa.schema(LEDGER_COLUMNS),
}
NEWEST: dict[Kind, int] = {kind: max(v for k, v in SCHEMAS if k is kind) for kind, _ in SCHEMAS}


def schema_of(kind: Kind) -> pa.Schema:
    """The newest schema of a kind, the one that rows are made with."""
    return SCHEMAS[kind, NEWEST[kind]]


def version_to_write(kind: Kind, write_frames: Literal["newest", "previous"]) -> int:
    """The version under which a writer sends frames of a kind.

    Args:
        kind: of the rows.
        write_frames: `previous` while readers of the version before this one are still at work.

    Returns:
        The newest version, or the one before it where there is one.
    """
    newest = NEWEST.get(kind, 1)
    return newest - 1 if write_frames == "previous" and (kind, newest - 1) in SCHEMAS else newest
