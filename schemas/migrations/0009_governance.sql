-- What there is, and whether it moves: who was first and last seen with what; what was stored when, and how late.
-- Both tables are fed by materialised views, which run inside of the insert. A block that is stored twice passes them
-- twice, so neither holds what must be exact: `sightings` keeps minima and maxima, which a repeat does not change, and
-- `arrivals` counts what was written, repeats included.

-- Each agent's versions, environments, models, tools, guardrails and teams, by the day on which they were seen.
-- `detail` is what goes with a value: the environment of a version.
-- They come from windows and runs, because from steps they cost 2 us a step (INGEST, WRITE and the engine together
-- take 9), and because there every step has its agent. So the times are whole minutes; a team is that of the runs
-- that an agent took part in.
-- ORDER BY: a range of days is asked for more often than one agent. Facts add up instead of multiplying: an agent has
-- some dozens of rows a day.
-- TTL counts from the time of storing, as in `windows`.
CREATE TABLE IF NOT EXISTS sightings
(
    namespace LowCardinality(String),
    day Date,
    agent_name LowCardinality(String),
    fact LowCardinality(String),
    value String,
    detail LowCardinality(String),
    first_time SimpleAggregateFunction(min, DateTime64(9, 'UTC')),
    last_time SimpleAggregateFunction(max, DateTime64(9, 'UTC')),
    stored_time SimpleAggregateFunction(max, DateTime('UTC'))
)
ENGINE = AggregatingMergeTree
PARTITION BY toYYYYMM(day)
ORDER BY (namespace, day, agent_name, fact, value, detail)
TTL stored_time + INTERVAL 400 DAY;

-- An agent is seen when it works: outcomes, feedback and reports of emitters may come long after.
CREATE MATERIALIZED VIEW IF NOT EXISTS {db}.sightings_of_windows TO {db}.sightings AS
SELECT
    namespace,
    toDate(window_start) AS day,
    agent_name,
    seen.1 AS fact,
    seen.2 AS value,
    seen.3 AS detail,
    min(window_start) AS first_time,
    max(window_start) AS last_time,
    now() AS stored_time
FROM {db}.windows
ARRAY JOIN [
    ('agent', toString(agent_name), ''),
    ('version', toString(agent_version), toString(environment)),
    ('environment', toString(environment), ''),
    (if(kind IN ('llm', 'embedding'), 'model', ''), toString(model), ''),
    (if(kind IN ('tool', 'guardrail'), toString(kind), ''), toString(step_name), '')
] AS seen
WHERE width_s = 60
    AND steps > 0
    AND window_start >= '2020-01-01'
    AND kind NOT IN ('outcome', 'feedback', 'report')
    AND fact != ''
    AND value != ''
GROUP BY ALL;

CREATE MATERIALIZED VIEW IF NOT EXISTS {db}.sightings_of_runs TO {db}.sightings AS
SELECT
    namespace,
    toDate(opened_time) AS day,
    agent AS agent_name,
    'team' AS fact,
    toString(team) AS value,
    '' AS detail,
    min(opened_time) AS first_time,
    max(opened_time) AS last_time,
    now() AS stored_time
FROM {db}.runs
ARRAY JOIN agents AS agent
WHERE team != ''
    AND is_deleted = 0
    AND opened_time >= '2020-01-01'
GROUP BY ALL;

-- The same of what was stored before.
INSERT INTO {db}.sightings
SELECT
    namespace,
    toDate(window_start) AS day,
    agent_name,
    seen.1 AS fact,
    seen.2 AS value,
    seen.3 AS detail,
    min(window_start) AS first_time,
    max(window_start) AS last_time,
    now() AS stored_time
FROM {db}.windows
ARRAY JOIN [
    ('agent', toString(agent_name), ''),
    ('version', toString(agent_version), toString(environment)),
    ('environment', toString(environment), ''),
    (if(kind IN ('llm', 'embedding'), 'model', ''), toString(model), ''),
    (if(kind IN ('tool', 'guardrail'), toString(kind), ''), toString(step_name), '')
] AS seen
WHERE width_s = 60
    AND steps > 0
    AND window_start >= '2020-01-01'
    AND kind NOT IN ('outcome', 'feedback', 'report')
    AND fact != ''
    AND value != ''
GROUP BY ALL;

INSERT INTO {db}.sightings
SELECT
    namespace,
    toDate(opened_time) AS day,
    agent AS agent_name,
    'team' AS fact,
    toString(team) AS value,
    '' AS detail,
    min(opened_time) AS first_time,
    max(opened_time) AS last_time,
    now() AS stored_time
FROM {db}.runs
ARRAY JOIN agents AS agent
WHERE team != ''
    AND is_deleted = 0
    AND opened_time >= '2020-01-01'
GROUP BY ALL;

-- Since when, until when, and with what was an agent seen? Filters on `day` reach the key.
CREATE OR REPLACE VIEW agent_sightings AS
SELECT
    namespace,
    day,
    agent_name,
    fact,
    value,
    detail,
    min(s.first_time) AS first_time,
    max(s.last_time) AS last_time
FROM {db}.sightings AS s
GROUP BY namespace, day, agent_name, fact, value, detail;

-- Rows that were written, by the minute of the engine's clock. Of steps as emitted also how late they are: from the
-- append at the source to here (`pipeline_delay`), and from their end to the append (`emitter_delay`, which in a
-- replay is the age of the history). A delay is kept as a bucket, a quarter of a doubling of milliseconds wide;
-- -1 where clocks disagree.
-- ORDER BY: read as a range of minutes.
CREATE TABLE IF NOT EXISTS arrivals
(
    namespace LowCardinality(String),
    stored_time DateTime('UTC'),
    measure LowCardinality(String),
    source LowCardinality(String),
    bucket Int16,
    rows UInt64
)
ENGINE = SummingMergeTree(rows)
PARTITION BY toYYYYMM(stored_time)
ORDER BY (namespace, stored_time, measure, source, bucket)
TTL stored_time + INTERVAL 90 DAY;

-- Classes of `row_version`: 0 has only begun, 1 is as emitted, above are corrections and repricings. Rows are grouped
-- before they are taken apart, which is most of what it costs.
CREATE MATERIALIZED VIEW IF NOT EXISTS {db}.arrivals_of_steps TO {db}.arrivals AS
SELECT
    namespace,
    toStartOfMinute(now()) AS stored_time,
    arrived.1 AS measure,
    transform(source_topic, [0, 1, 2], ['agent-events', 'otlp_spans', 'otlp_logs'], 'other') AS source,
    arrived.2 AS bucket,
    sum(grouped) AS rows
FROM
(
    SELECT
        namespace,
        source_topic,
        class,
        if(stored_ms < 0, toInt16(-1), toInt16(floor(4 * log2(greatest(stored_ms, 1))))) AS stored_bucket,
        if(appended_ms < 0, toInt16(-1), toInt16(floor(4 * log2(greatest(appended_ms, 1))))) AS appended_bucket,
        count() AS grouped
    FROM
    (
        SELECT
            namespace,
            source_topic,
            toUInt8(bitShiftRight(row_version, 60)) AS class,
            if(class = 1, dateDiff('millisecond', append_time, now64(3)), 0) AS stored_ms,
            if(class = 1, dateDiff('millisecond', time, append_time) - intDiv(ifNull(duration_ns, 0), 1000000), 0) AS appended_ms
        FROM {db}.steps
    )
    GROUP BY namespace, source_topic, class, stored_bucket, appended_bucket
)
ARRAY JOIN multiIf(
    class = 0, [('started_steps', toInt16(0))],
    class = 1, [('steps', toInt16(0)), ('pipeline_delay', stored_bucket), ('emitter_delay', appended_bucket)],
    [('corrected_steps', toInt16(0))]
) AS arrived
GROUP BY namespace, stored_time, measure, source, bucket;

CREATE MATERIALIZED VIEW IF NOT EXISTS {db}.arrivals_of_runs TO {db}.arrivals AS
SELECT
    namespace,
    toStartOfMinute(now()) AS stored_time,
    'runs' AS measure,
    '' AS source,
    toInt16(0) AS bucket,
    count() AS rows
FROM {db}.runs
GROUP BY namespace;

CREATE MATERIALIZED VIEW IF NOT EXISTS {db}.arrivals_of_windows TO {db}.arrivals AS
SELECT
    namespace,
    toStartOfMinute(now()) AS stored_time,
    'windows' AS measure,
    '' AS source,
    toInt16(0) AS bucket,
    count() AS rows
FROM {db}.windows
GROUP BY namespace;

CREATE MATERIALIZED VIEW IF NOT EXISTS {db}.arrivals_of_readings TO {db}.arrivals AS
SELECT
    namespace,
    toStartOfMinute(now()) AS stored_time,
    'readings' AS measure,
    '' AS source,
    toInt16(0) AS bucket,
    count() AS rows
FROM {db}.readings
GROUP BY namespace;

CREATE OR REPLACE VIEW agent_arrivals AS
SELECT
    namespace,
    stored_time AS time,
    measure,
    source,
    bucket,
    if(bucket < 0, 0, exp2((bucket + 1) / 4) / 1e3) AS upper_s,
    sum(a.rows) AS rows
FROM {db}.arrivals AS a
GROUP BY namespace, time, measure, source, bucket;

-- Labels of steps as they were ever stored, without FINAL: for sets, first and last moments, and never for counts, because
-- a step is there once for each version. Rows that came before their agent was known have none.
CREATE OR REPLACE VIEW step_labels AS
SELECT
    namespace,
    time,
    kind,
    agent_name,
    environment,
    provider_name,
    if(response_model = '', request_model, response_model) AS model,
    tool_name,
    mcp_method_name,
    server_address,
    service_name,
    scope_name,
    scope_version
FROM {db}.steps
WHERE is_deleted = 0;

-- Steps of rare kinds, as `agent_steps` has them: filter on `kind`, which is read first and leaves little of the rest
-- (FINAL would read it all). A kind is never corrected.
CREATE OR REPLACE VIEW rare_steps AS
SELECT
    namespace,
    time,
    kind,
    run_id,
    event_id,
    argMax(s.agent_name, s.row_version) AS agent_name,
    argMax(s.environment, s.row_version) AS environment,
    argMax(s.step_name, s.row_version) AS step_name,
    argMax(s.service_name, s.row_version) AS service_name,
    argMax(s.guardrail_name, s.row_version) AS guardrail_name,
    argMax(s.guardrail_verdict, s.row_version) AS guardrail_verdict,
    argMax(s.guardrail_reason, s.row_version) AS guardrail_reason,
    argMax(s.dropped_events, s.row_version) AS dropped_events
FROM {db}.steps AS s
GROUP BY namespace, time, kind, run_id, event_id
HAVING argMax(s.is_deleted, s.row_version) = 0;

CREATE OR REPLACE VIEW agent_ledger AS
SELECT * EXCEPT (row_version, is_deleted, stored_time)
FROM {db}.ledger FINAL;

-- Parts of our tables, and what is being merged. The definer's rights: a reader has none on the system's tables.
CREATE OR REPLACE VIEW storage_parts
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS SELECT
    table,
    partition,
    name AS part,
    rows,
    bytes_on_disk,
    modification_time AS stored_time
FROM system.parts
WHERE database = '{db}' AND active;

CREATE OR REPLACE VIEW storage_merges
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS SELECT
    table,
    elapsed AS elapsed_s,
    progress AS progress_ratio,
    num_parts AS parts,
    total_size_bytes_compressed AS bytes_on_disk
FROM system.merges
WHERE database = '{db}';

-- telemetry_health by the hour, so that a range of hours is a range of the key: the whole history takes FINAL over all.
CREATE OR REPLACE VIEW telemetry_health_hours AS
SELECT
    *,
    arrayFilter(text -> text != '', [
        if(has(dialects, 'otel-deprecated') OR has(dialects, 'openllmetry'), 'former names are sent: set OTEL_SEMCONV_STABILITY_OPT_IN=gen_ai_latest_experimental, or take a newer release', ''),
        if(calls > 0 AND usage_share < 0.95, 'calls without usage: for streams, ask the provider for usage (OpenAI: stream_options.include_usage)', ''),
        if(calls > 0 AND first_chunk_share = 0, 'no time to the first token: send gen_ai.response.time_to_first_chunk', ''),
        if(priced_share < 0.99, 'models without a price: see wakeline prices unpriced', ''),
        if(agent_share < 0.5, 'most steps name no agent: set gen_ai.agent.name on the span of the agent', ''),
        if(exclusive_share > 0, 'cached tokens are counted apart from the input, which the conventions do not', ''),
        if(clock_skew_p95_s > 60 OR clock_skew_p05_s < -1, 'clocks differ, or spans are held back for long', ''),
        if(duplicate_share > 0.01, 'calls are told of twice: two instrumentations, or one beside a gateway', ''),
        if(length(many_values) > 0, concat('names that differ from step to step: ', arrayStringConcat(many_values, ', ')), ''),
        if(unknown_service_share > 0.5, 'the service has no name: set OTEL_SERVICE_NAME', '')
    ]) AS advice
FROM
(
    SELECT
        namespace,
        toStartOfHour(time) AS hour,
        scope_name,
        scope_version,
        min(time) AS first_time,
        max(time) AS last_time,
        count() AS steps,
        countIf(kind = 'llm') AS calls,
        arraySort(groupUniqArray(dialect)) AS dialects,
        countIf(kind = 'llm' AND (input_tokens IS NOT NULL OR output_tokens IS NOT NULL)) / nullIf(calls, 0) AS usage_share,
        countIf(kind = 'llm' AND time_to_first_chunk_s IS NOT NULL) / nullIf(calls, 0) AS first_chunk_share,
        1 - countIf(price_status = 'unpriced') / nullIf(countIf(price_status != 'none'), 0) AS priced_share,
        arraySort(groupUniqArrayIf(20)(model, price_status = 'unpriced' AND model != '')) AS unpriced_models,
        countIf(agent_name != '' AND agent_name NOT IN ('unattributed', service_name, scope_name)) / count() AS agent_share,
        sumMap(map(if(token_convention = '', 'nothing cached', token_convention), toUInt64(1))) AS token_conventions,
        countIf(token_convention LIKE 'exclusive%') / count() AS exclusive_share,
        quantileTDigestIf(0.05)(delay_s, is_timed) AS clock_skew_p05_s,
        quantileTDigestIf(0.95)(delay_s, is_timed) AS clock_skew_p95_s,
        countIf(time_flag != 'ok') AS steps_of_impossible_time,
        countIf(cost_status = 'duplicate') / nullIf(countIf(cost_status != 'none'), 0) AS duplicate_share,
        countIf(service_name = '') / count() AS unknown_service_share,
        uniq(step_name) AS step_names,
        uniq(agent_name) AS agent_names,
        uniq(agent_id) AS agent_ids,
        uniq(model) AS models,
        arrayFilter(pair -> pair != '', [
            if(step_names > 200 AND step_names > steps / 20, 'step_name', ''),
            if(agent_names > 100 AND agent_names > steps / 20, 'agent_name', ''),
            if(agent_ids > 200 AND agent_ids > steps / 20, 'agent_id', ''),
            if(models > 100 AND models > steps / 20, 'model', '')
        ]) AS many_values,
        sumMap(mapFromArrays(mapValues(sources), arrayResize([toUInt64(1)], length(sources), toUInt64(1)))) AS names_used
    FROM
    (
        SELECT
            *,
            duration_ns IS NOT NULL AND time_flag = 'ok' AS is_timed,
            dateDiff('millisecond', time, append_time) / 1e3 - ifNull(duration_ns, 0) / 1e9 AS delay_s
        FROM {db}.agent_steps
    )
    GROUP BY namespace, hour, scope_name, scope_version
);
