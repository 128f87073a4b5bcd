-- Runs. A run that comes back after it was forgotten is a new part; the view adds parts up.
-- ORDER BY: the hour of the first step met is part of the key, so that a range of time is a range of the key; the
-- run's own start may still move back, and stays out. `opened_time` closes the key, so that FINAL skips partitions.
CREATE TABLE IF NOT EXISTS runs
(
    namespace LowCardinality(String),
    run_id String CODEC(ZSTD(1)),
    part Int64,
    opened_time DateTime64(9, 'UTC') CODEC(Delta, ZSTD(1)),
    state LowCardinality(String),
    start_time DateTime64(9, 'UTC') CODEC(Delta, ZSTD(1)),
    end_time Nullable(DateTime64(9, 'UTC')) CODEC(ZSTD(1)),
    root_event_id String CODEC(ZSTD(1)),
    agent_name LowCardinality(String),
    agent_version LowCardinality(String),
    environment LowCardinality(String),
    team LowCardinality(String),
    task LowCardinality(String),
    conversation_id String CODEC(ZSTD(1)),
    user_id String CODEC(ZSTD(1)),
    business_key String CODEC(ZSTD(1)),
    agents Array(LowCardinality(String)),
    steps Int64,
    llm_calls Int64,
    tool_calls Int64,
    errors Int64,
    duplicates Int64,
    input_tokens Int64,
    output_tokens Int64,
    cache_read_input_tokens Int64,
    cache_write_input_tokens Int64,
    reasoning_output_tokens Int64,
    cost_usd Decimal(38, 12) CODEC(ZSTD(1)),
    unpriced_steps Int64,
    repeated_tool_calls Int64,
    outcome_name LowCardinality(String),
    outcome_success Nullable(Bool),
    outcome_value Nullable(Float64),
    append_time DateTime64(9, 'UTC') CODEC(Delta, ZSTD(1)),
    row_version UInt64,
    is_deleted UInt8,
    INDEX by_start start_time TYPE minmax GRANULARITY 1,
    INDEX by_run run_id TYPE bloom_filter(0.01) GRANULARITY 1
)
ENGINE = ReplacingMergeTree(row_version, is_deleted)
PARTITION BY toYYYYMM(opened_time)
PRIMARY KEY (namespace, toStartOfHour(opened_time), run_id, part)
ORDER BY (namespace, toStartOfHour(opened_time), run_id, part, opened_time)
TTL toDateTime(append_time) + INTERVAL 400 DAY;

-- Sums over a window, a segment and an epoch; queries add epochs up.
-- ORDER BY: width and start first, because a query is a range of one width; then the segment, coarse to fine.
-- TTL counts from the time of storing, because a replay has epochs of the past; a repeat of a row renews it.
-- `stored_time` is for that alone.
CREATE TABLE IF NOT EXISTS windows
(
    namespace LowCardinality(String),
    width_s Int32,
    window_start DateTime64(9, 'UTC') CODEC(Delta, ZSTD(1)),
    agent_name LowCardinality(String),
    agent_version LowCardinality(String),
    environment LowCardinality(String),
    kind LowCardinality(String),
    step_name LowCardinality(String),
    model LowCardinality(String),
    epoch_start DateTime64(9, 'UTC') CODEC(Delta, ZSTD(1)),
    steps Int64,
    errors Int64,
    input_tokens Int64,
    output_tokens Int64,
    cache_read_input_tokens Int64,
    cache_write_input_tokens Int64,
    reasoning_output_tokens Int64,
    cost_usd Decimal(38, 12) CODEC(ZSTD(1)),
    unpriced_steps Int64,
    durations Int64,
    duration_ns Int64,
    duration_buckets Map(Int16, Int64),
    row_version UInt64,
    is_deleted UInt8,
    stored_time DateTime('UTC') DEFAULT now()
)
ENGINE = ReplacingMergeTree(row_version, is_deleted)
PARTITION BY toYYYYMM(window_start)
ORDER BY (namespace, width_s, window_start, agent_name, step_name, kind, model, agent_version, environment, epoch_start)
TTL stored_time + INTERVAL 14 DAY DELETE WHERE width_s = 60,
    stored_time + INTERVAL 400 DAY DELETE WHERE width_s > 60;

-- What the detectors said: each minute's greatest statistic of each stream, and every alarm.
-- ORDER BY: a plot is one stream over a range of time, an overview all streams over a range; so the hour, then
-- the stream, then the time. A minute may be sent again with a greater n and replaces itself; alarms of one moment
-- differ in n, so only theirs is in the key.
CREATE TABLE IF NOT EXISTS readings
(
    namespace LowCardinality(String),
    time DateTime64(9, 'UTC') CODEC(Delta, ZSTD(1)),
    agent_name LowCardinality(String),
    step_name LowCardinality(String),
    signal LowCardinality(String),
    alarm Bool,
    n Int64,
    last Nullable(Float64),
    statistic Nullable(Float64),
    threshold Nullable(Float64),
    direction LowCardinality(String),
    detector LowCardinality(String),
    row_version UInt64,
    is_deleted UInt8,
    stored_time DateTime('UTC') DEFAULT now()
)
ENGINE = ReplacingMergeTree(row_version, is_deleted)
PARTITION BY toYYYYMM(time)
ORDER BY (namespace, toStartOfHour(time), agent_name, step_name, signal, detector, alarm, time, if(alarm, n, 0))
TTL stored_time + INTERVAL 90 DAY;

-- Incidents, whole rows at each change. Few: ORDER BY only has to make them unique and ordered by time.
CREATE TABLE IF NOT EXISTS incidents
(
    namespace LowCardinality(String),
    incident_id String,
    opened_time DateTime64(9, 'UTC'),
    closed_time Nullable(DateTime64(9, 'UTC')),
    state LowCardinality(String),
    agent_name LowCardinality(String),
    step_name LowCardinality(String),
    signal LowCardinality(String),
    run_id String,
    detector LowCardinality(String),
    direction LowCardinality(String),
    n Int64,
    statistic Nullable(Float64),
    threshold Nullable(Float64),
    reference_level Nullable(Float64),
    current_level Nullable(Float64),
    summary String,
    row_version UInt64,
    is_deleted UInt8,
    stored_time DateTime('UTC') DEFAULT now()
)
ENGINE = ReplacingMergeTree(row_version, is_deleted)
PARTITION BY toYYYYMM(opened_time)
ORDER BY (namespace, opened_time, incident_id)
TTL stored_time + INTERVAL 400 DAY;

-- Records that are none of ours, with their bytes. ORDER BY: where the record stood, so a repeat replaces itself;
-- `append_time` is the record's own and closes the key as `time` does elsewhere.
CREATE TABLE IF NOT EXISTS dead_letters
(
    namespace LowCardinality(String),
    topic LowCardinality(String),
    `partition` Int32,
    `offset` Int64,
    number Int32,
    reason LowCardinality(String),
    detail String CODEC(ZSTD(1)),
    payload String CODEC(ZSTD(3)),
    append_time DateTime64(9, 'UTC'),
    row_version UInt64,
    is_deleted UInt8
)
ENGINE = ReplacingMergeTree(row_version, is_deleted)
PARTITION BY toYYYYMM(append_time)
PRIMARY KEY (namespace, topic, `partition`, `offset`, number)
ORDER BY (namespace, topic, `partition`, `offset`, number, append_time)
TTL toDateTime(append_time) + INTERVAL 14 DAY;

-- What the pipeline did that changes how numbers are to be read. ORDER BY: read by time.
CREATE TABLE IF NOT EXISTS ledger
(
    namespace LowCardinality(String),
    ledger_id String,
    time DateTime64(9, 'UTC'),
    role LowCardinality(String),
    entry LowCardinality(String),
    count Int64,
    detail String,
    row_version UInt64,
    is_deleted UInt8,
    stored_time DateTime('UTC') DEFAULT now()
)
ENGINE = ReplacingMergeTree(row_version, is_deleted)
PARTITION BY toYYYYMM(time)
ORDER BY (namespace, time, ledger_id)
TTL stored_time + INTERVAL 400 DAY;
