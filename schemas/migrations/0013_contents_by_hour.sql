-- Contents in the order in which they are looked for: by range of time, then by run. `step_contents` is in the order of
-- run ids, which are random, so that a text could be looked for only in a whole month.
-- ORDER BY: as in `steps`, and for the same reasons; the columns that tell one content from another are those of before.
-- One run's contents are found by its hours and the bloom filter.
CREATE TABLE IF NOT EXISTS contents
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
    is_deleted UInt8,
    INDEX by_run run_id TYPE bloom_filter(0.01) GRANULARITY 1
)
ENGINE = ReplacingMergeTree(row_version, is_deleted)
PARTITION BY toYYYYMM(time)
PRIMARY KEY (namespace, toStartOfHour(time), run_id, event_id, name)
ORDER BY (namespace, toStartOfHour(time), run_id, event_id, name, time)
TTL toDateTime(append_time) + INTERVAL 30 DAY;

-- `step_contents` is written no more; what it holds is read until its TTL has emptied it, 30 days after the upgrade. A
-- content that WRITE stored before the upgrade and again after it is there twice until then.
CREATE OR REPLACE VIEW agent_contents AS
SELECT * EXCEPT (row_version, is_deleted)
FROM {db}.contents FINAL
UNION ALL
SELECT * EXCEPT (row_version, is_deleted)
FROM {db}.step_contents FINAL;
