-- Windows and durations as they were sent, a row an epoch. To add epochs up, `agent_windows` groups by the whole key,
-- which takes ten times as long as to read: where sums over many windows are asked for, they are taken here at once.
CREATE OR REPLACE VIEW window_parts AS
SELECT
    namespace,
    width_s,
    window_start AS time,
    * EXCEPT (namespace, width_s, window_start, row_version, is_deleted, stored_time)
FROM {db}.windows FINAL;

-- A correction's -1 stands beside the +1 that it takes back, perhaps in another epoch. Sums are right, and so is
-- quantileExactWeighted(0.95)(middle_s, toUInt64(steps)): it adds the weights of a value up, -1 as 2^64 - 1, which
-- wraps around. Buckets are explained at `agent_durations`.
CREATE OR REPLACE VIEW duration_parts AS
SELECT
    namespace,
    width_s,
    time,
    agent_name,
    agent_version,
    environment,
    kind,
    step_name,
    model,
    counted.1 AS bucket,
    if(bucket < 32, toInt64(bucket), bitShiftLeft(toInt64(32 + bucket % 32), intDiv(bucket, 32) - 1)) / 1e6 AS lower_s,
    if(bucket < 32, toInt64(bucket) + 1, bitShiftLeft(toInt64(33 + bucket % 32), intDiv(bucket, 32) - 1)) / 1e6 AS upper_s,
    (lower_s + upper_s) / 2 AS middle_s,
    counted.2 AS steps
FROM {db}.window_parts
ARRAY JOIN CAST(duration_buckets, 'Array(Tuple(Int16, Int64))') AS counted;
