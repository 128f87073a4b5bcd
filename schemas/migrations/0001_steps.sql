-- Steps as they are known: emitted, then corrected, then repriced. A row of higher version is a whole row.
--
-- ORDER BY: what never changes. `namespace` first, because every query names one (a LowCardinality column may be
-- a key: its values are compared, not its codes); the hour next, so that a range of time is a range of the key;
-- then the run, so that its steps lie together. The hour stands before the run because dashboards ask for ranges
-- far more often than for one run, which the bloom filter finds. `time` closes the key though an event has one:
-- FINAL drops a partition unread only by columns of the key (without it 5 of 5 were opened for three hours of one,
-- with it 1), and merges each partition by itself only when the partition's column is one. It is not in the
-- primary key, so the index in memory does not grow.
-- PARTITION BY month of the event: the same for every version of a row.
-- TTL counts from the append time: history that is replayed today is new today.
CREATE TABLE IF NOT EXISTS steps
(
    namespace LowCardinality(String),
    event_id String CODEC(ZSTD(1)),
    run_id String CODEC(ZSTD(1)),
    parent_event_id String CODEC(ZSTD(1)),
    kind LowCardinality(String),
    state LowCardinality(String),
    operation_name LowCardinality(String),
    step_name LowCardinality(String),
    agent_name LowCardinality(String),
    agent_id String CODEC(ZSTD(1)),
    agent_version LowCardinality(String),
    service_name LowCardinality(String),
    environment LowCardinality(String),
    team LowCardinality(String),
    task LowCardinality(String),
    conversation_id String CODEC(ZSTD(1)),
    user_id String CODEC(ZSTD(1)),
    business_key String CODEC(ZSTD(1)),
    provider_name LowCardinality(String),
    request_model LowCardinality(String),
    response_model LowCardinality(String),
    response_id String CODEC(ZSTD(1)),
    time DateTime64(9, 'UTC') CODEC(Delta, ZSTD(1)),
    start_time DateTime64(9, 'UTC') CODEC(Delta, ZSTD(1)),
    duration_ns Nullable(Int64) CODEC(ZSTD(1)),
    time_flag Enum8('ok' = 0, 'before_2020' = 1, 'after_append' = 2, 'ends_before_start' = 3),
    time_to_first_chunk_s Nullable(Float64) CODEC(ZSTD(1)),
    input_tokens Nullable(Int64) CODEC(ZSTD(1)),
    output_tokens Nullable(Int64) CODEC(ZSTD(1)),
    cache_read_input_tokens Nullable(Int64) CODEC(ZSTD(1)),
    cache_write_input_tokens Nullable(Int64) CODEC(ZSTD(1)),
    reasoning_output_tokens Nullable(Int64) CODEC(ZSTD(1)),
    finish_reasons Array(LowCardinality(String)),
    prompt_name LowCardinality(String),
    prompt_fingerprint LowCardinality(String),
    tools_fingerprint LowCardinality(String),
    tool_name LowCardinality(String),
    tool_call_id String CODEC(ZSTD(1)),
    tool_call_hash Nullable(Int64) CODEC(ZSTD(1)),
    guardrail_verdict LowCardinality(String),
    handoff_to_agent LowCardinality(String),
    error_type LowCardinality(String),
    error_message String CODEC(ZSTD(1)),
    outcome_name LowCardinality(String),
    outcome_success Nullable(Bool),
    outcome_value Nullable(Float64) CODEC(ZSTD(1)),
    evaluation_name LowCardinality(String),
    evaluation_score_value Nullable(Float64) CODEC(ZSTD(1)),
    evaluation_score_label LowCardinality(String),
    dropped_events Nullable(Int64) CODEC(ZSTD(1)),
    scope_name LowCardinality(String),
    scope_version LowCardinality(String),
    attributes Map(LowCardinality(String), String) CODEC(ZSTD(1)),
    resource_attributes Map(LowCardinality(String), String) CODEC(ZSTD(1)),
    cost_usd Nullable(Decimal(18, 12)) CODEC(ZSTD(1)),
    cost_input_usd Nullable(Decimal(18, 12)) CODEC(ZSTD(1)),
    cost_cache_read_usd Nullable(Decimal(18, 12)) CODEC(ZSTD(1)),
    cost_cache_write_usd Nullable(Decimal(18, 12)) CODEC(ZSTD(1)),
    cost_output_usd Nullable(Decimal(18, 12)) CODEC(ZSTD(1)),
    cost_status Enum8('none' = 0, 'priced' = 1, 'partial' = 2, 'unpriced' = 3, 'rollup' = 4, 'free' = 5),
    price_id LowCardinality(String),
    price_book LowCardinality(String),
    append_time DateTime64(9, 'UTC') CODEC(Delta, ZSTD(1)),
    source_topic UInt8,
    source_partition Int32,
    source_offset Int64 CODEC(Delta, ZSTD(1)),
    source_index Int32 CODEC(Delta, ZSTD(1)),
    row_version UInt64 CODEC(Delta, ZSTD(1)),
    is_deleted UInt8,
    INDEX by_run run_id TYPE bloom_filter(0.01) GRANULARITY 1,
    INDEX by_event event_id TYPE bloom_filter(0.01) GRANULARITY 1,
    INDEX by_conversation conversation_id TYPE bloom_filter(0.01) GRANULARITY 4,
    INDEX by_business_key business_key TYPE bloom_filter(0.01) GRANULARITY 4
)
ENGINE = ReplacingMergeTree(row_version, is_deleted)
PARTITION BY toYYYYMM(time)
PRIMARY KEY (namespace, toStartOfHour(time), run_id, event_id)
ORDER BY (namespace, toStartOfHour(time), run_id, event_id, time)
TTL toDateTime(append_time) + INTERVAL 90 DAY;

-- Prompts, answers, arguments, results: apart from steps, because they are long, private and read one at a time.
-- ORDER BY: they are asked for by run and event alone; `time` closes the key as in `steps`.
CREATE TABLE IF NOT EXISTS step_contents
(
    namespace LowCardinality(String),
    event_id String CODEC(ZSTD(1)),
    run_id String CODEC(ZSTD(1)),
    time DateTime64(9, 'UTC') CODEC(Delta, ZSTD(1)),
    append_time DateTime64(9, 'UTC') CODEC(Delta, ZSTD(1)),
    name LowCardinality(String),
    content String CODEC(ZSTD(3)),
    length_bytes Int64,
    hash String,
    row_version UInt64,
    is_deleted UInt8
)
ENGINE = ReplacingMergeTree(row_version, is_deleted)
PARTITION BY toYYYYMM(time)
PRIMARY KEY (namespace, run_id, event_id, name)
ORDER BY (namespace, run_id, event_id, name, time)
TTL toDateTime(append_time) + INTERVAL 30 DAY;
