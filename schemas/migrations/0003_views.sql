-- Names for people and dashboards. Views alone decide what a row counts for; ask them, not the tables.
-- FINAL takes the newest version of a row and leaves deleted ones out. Filters on namespace and `time` reach the
-- key through every view but `agent_runs`.

-- Steps that have only begun are there with state 'started'.
CREATE OR REPLACE VIEW agent_steps AS
SELECT
    * EXCEPT (row_version, is_deleted),
    if(response_model = '', request_model, response_model) AS model,
    duration_ns / 1e9 AS duration_s,
    error_type != '' AS failed
FROM {db}.steps FINAL;

-- Runs as RUNS knew them. A run has more than one part only if steps came after it was forgotten, so sums over a
-- range of time are best taken here: the range reaches the key (20 ms for a day of a million runs).
CREATE OR REPLACE VIEW run_parts AS
SELECT
    * EXCEPT (row_version, is_deleted),
    opened_time AS time,
    (toUnixTimestamp64Nano(assumeNotNull(end_time)) - toUnixTimestamp64Nano(start_time)) / 1e9 AS duration_s
FROM {db}.runs FINAL;

-- One row a run, its parts added up. `time` is known only after adding, so a filter on it reads the namespace
-- (0.8 s for a million runs); one on run_id does not.
CREATE OR REPLACE VIEW agent_runs AS
SELECT
    r.namespace AS namespace,
    r.run_id AS run_id,
    min(r.opened_time) AS time,
    argMax(r.state, r.part) AS state,
    min(r.start_time) AS start_time,
    max(r.end_time) AS end_time,
    dateDiff('microsecond', min(r.start_time), max(r.end_time)) / 1e6 AS duration_s,
    argMin(r.root_event_id, r.part) AS root_event_id,
    argMin(r.agent_name, r.part) AS agent_name,
    argMin(r.agent_version, r.part) AS agent_version,
    argMin(r.environment, r.part) AS environment,
    argMin(r.team, r.part) AS team,
    argMin(r.task, r.part) AS task,
    argMin(r.conversation_id, r.part) AS conversation_id,
    argMin(r.user_id, r.part) AS user_id,
    argMin(r.business_key, r.part) AS business_key,
    arraySort(groupUniqArrayArray(r.agents)) AS agents,
    sum(r.steps) AS steps,
    sum(r.llm_calls) AS llm_calls,
    sum(r.tool_calls) AS tool_calls,
    sum(r.errors) AS errors,
    sum(r.duplicates) AS duplicates,
    sum(r.input_tokens) AS input_tokens,
    sum(r.output_tokens) AS output_tokens,
    sum(r.cache_read_input_tokens) AS cache_read_input_tokens,
    sum(r.cache_write_input_tokens) AS cache_write_input_tokens,
    sum(r.reasoning_output_tokens) AS reasoning_output_tokens,
    sum(r.cost_usd) AS cost_usd,
    sum(r.unpriced_steps) AS unpriced_steps,
    max(r.repeated_tool_calls) AS repeated_tool_calls,
    argMaxIf(r.outcome_name, r.part, r.outcome_name != '' OR r.outcome_success IS NOT NULL) AS outcome_name,
    argMaxIf(r.outcome_success, r.part, r.outcome_name != '' OR r.outcome_success IS NOT NULL) AS outcome_success,
    argMaxIf(r.outcome_value, r.part, r.outcome_name != '' OR r.outcome_success IS NOT NULL) AS outcome_value
FROM {db}.runs AS r FINAL
GROUP BY namespace, run_id;

-- Windows of both widths, epochs added up. `time` is the window's start. Take one `width_s`, or all counts twice.
CREATE OR REPLACE VIEW agent_windows AS
SELECT
    namespace,
    width_s,
    window_start AS time,
    agent_name,
    agent_version,
    environment,
    kind,
    step_name,
    model,
    sum(w.steps) AS steps,
    sum(w.errors) AS errors,
    sum(w.input_tokens) AS input_tokens,
    sum(w.output_tokens) AS output_tokens,
    sum(w.cache_read_input_tokens) AS cache_read_input_tokens,
    sum(w.cache_write_input_tokens) AS cache_write_input_tokens,
    sum(w.reasoning_output_tokens) AS reasoning_output_tokens,
    sum(w.cost_usd) AS cost_usd,
    sum(w.unpriced_steps) AS unpriced_steps,
    sum(w.durations) AS durations,
    sum(w.duration_ns) AS duration_ns,
    sumMap(w.duration_buckets) AS duration_buckets
FROM {db}.windows AS w FINAL
GROUP BY namespace, width_s, time, agent_name, agent_version, environment, kind, step_name, model;

CREATE OR REPLACE VIEW agent_minutes AS
SELECT * EXCEPT (width_s)
FROM {db}.agent_windows
WHERE width_s = 60;

CREATE OR REPLACE VIEW agent_hours AS
SELECT * EXCEPT (width_s)
FROM {db}.agent_windows
WHERE width_s = 3600;

-- Durations as counts in buckets, a row a bucket; take one `width_s`. A percentile is
-- quantileExactWeighted(0.95)(middle_s, steps), off by at most 1/64 = 1.6 % (0.5 us below 32 us).
-- A bucket is 1 us wide below 32 us; from there on each doubling has 32 of equal width. Epochs are added before
-- anything else: a correction's -1 may stand in another epoch than the +1 that it takes back.
CREATE OR REPLACE VIEW agent_durations AS
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
    toUInt64(counted.2) AS steps
FROM {db}.agent_windows
ARRAY JOIN CAST(duration_buckets, 'Array(Tuple(Int16, Int64))') AS counted
WHERE counted.2 > 0;

CREATE OR REPLACE VIEW agent_readings AS
SELECT * EXCEPT (row_version, is_deleted, stored_time)
FROM {db}.readings FINAL;

CREATE OR REPLACE VIEW agent_incidents AS
SELECT * EXCEPT (row_version, is_deleted, stored_time), opened_time AS time
FROM {db}.incidents FINAL;

CREATE OR REPLACE VIEW agent_dead_letters AS
SELECT * EXCEPT (row_version, is_deleted), append_time AS time
FROM {db}.dead_letters FINAL;

CREATE OR REPLACE VIEW agent_contents AS
SELECT * EXCEPT (row_version, is_deleted)
FROM {db}.step_contents FINAL;

-- The names of OpenTelemetry's ClickHouse exporter, so that trace tools find the steps. Timestamp is `time`, so that
-- their filters reach the key; a step whose start is out of range stands in 1970 there.
CREATE OR REPLACE VIEW otel_traces AS
SELECT
    time AS Timestamp,
    run_id AS TraceId,
    if(match(event_id, '^[0-9a-f]{32}-[0-9a-f]{16}$'), substring(event_id, 34), event_id) AS SpanId,
    if(match(parent_event_id, '^[0-9a-f]{32}-[0-9a-f]{16}$'), substring(parent_event_id, 34), parent_event_id) AS ParentSpanId,
    '' AS TraceState,
    step_name AS SpanName,
    toLowCardinality(if(kind IN ('llm', 'embedding'), 'Client', 'Internal')) AS SpanKind,
    toLowCardinality(if(service_name = '', agent_name, service_name)) AS ServiceName,
    resource_attributes AS ResourceAttributes,
    CAST(scope_name, 'String') AS ScopeName,
    CAST(scope_version, 'String') AS ScopeVersion,
    CAST(
        mapUpdate(
            CAST(attributes, 'Map(String, String)'),
            mapFilter((k, v) -> v != '', map(
                'gen_ai.operation.name', toString(operation_name),
                'gen_ai.agent.name', toString(agent_name),
                'gen_ai.conversation.id', conversation_id,
                'gen_ai.provider.name', toString(provider_name),
                'gen_ai.request.model', toString(request_model),
                'gen_ai.response.model', toString(response_model),
                'gen_ai.tool.name', toString(tool_name),
                'gen_ai.usage.input_tokens', ifNull(toString(input_tokens), ''),
                'gen_ai.usage.output_tokens', ifNull(toString(output_tokens), ''),
                'error.type', toString(error_type),
                'wakeline.kind', toString(kind),
                'wakeline.cost_usd', ifNull(toString(cost_usd), '')
            ))
        ),
        'Map(LowCardinality(String), String)'
    ) AS SpanAttributes,
    toUInt64(greatest(ifNull(duration_ns, 0), 0)) AS Duration,
    toLowCardinality(if(error_type = '', 'Unset', 'Error')) AS StatusCode,
    error_message AS StatusMessage,
    CAST([], 'Array(DateTime64(9))') AS `Events.Timestamp`,
    CAST([], 'Array(LowCardinality(String))') AS `Events.Name`,
    CAST([], 'Array(Map(LowCardinality(String), String))') AS `Events.Attributes`,
    CAST([], 'Array(String)') AS `Links.TraceId`,
    CAST([], 'Array(String)') AS `Links.SpanId`,
    CAST([], 'Array(String)') AS `Links.TraceState`,
    CAST([], 'Array(Map(LowCardinality(String), String))') AS `Links.Attributes`,
    namespace
FROM {db}.steps FINAL;

CREATE OR REPLACE VIEW otel_traces_trace_id_ts AS
SELECT
    run_id AS TraceId,
    toDateTime(least(min(start_time), min(opened_time))) AS Start,
    toDateTime(max(ifNull(end_time, start_time))) + 1 AS End
FROM {db}.runs FINAL
GROUP BY TraceId;
