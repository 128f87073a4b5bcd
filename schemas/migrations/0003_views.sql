-- Names for people and dashboards. Views alone decide what a row counts for; ask them, not the tables.
-- FINAL takes the newest version of a row; filters on namespace and time reach the key through the view.

CREATE OR REPLACE VIEW agent_steps AS
SELECT
    * EXCEPT (row_version, is_deleted),
    if(response_model = '', request_model, response_model) AS model,
    duration_ns / 1e9 AS duration_s,
    error_type != '' AS failed
FROM {db}.steps FINAL;

CREATE OR REPLACE VIEW run_parts AS
SELECT
    * EXCEPT (row_version, is_deleted),
    opened_time AS time,
    (toUnixTimestamp64Nano(assumeNotNull(end_time)) - toUnixTimestamp64Nano(start_time)) / 1e9 AS duration_s
FROM {db}.runs FINAL;

-- One row a run, its parts added up.
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
    argMax(r.outcome_name, r.part) AS outcome_name,
    argMax(r.outcome_success, r.part) AS outcome_success,
    argMax(r.outcome_value, r.part) AS outcome_value
FROM {db}.runs AS r FINAL
GROUP BY namespace, run_id;

CREATE OR REPLACE VIEW agent_minutes AS
SELECT
    namespace,
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
WHERE width_s = 60
GROUP BY namespace, time, agent_name, agent_version, environment, kind, step_name, model;

CREATE OR REPLACE VIEW agent_hours AS
SELECT
    namespace,
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
WHERE width_s = 3600
GROUP BY namespace, time, agent_name, agent_version, environment, kind, step_name, model;

-- Durations as counts in buckets, a row a bucket. A percentile is
-- quantileExactWeighted(0.95)(middle_s, steps), off by at most 1.6 %.
CREATE OR REPLACE VIEW agent_durations AS
SELECT
    namespace,
    window_start AS time,
    agent_name,
    agent_version,
    environment,
    kind,
    step_name,
    model,
    bucket,
    if(bucket < 32, toInt64(bucket), bitShiftLeft(toInt64(32 + bucket % 32), intDiv(bucket, 32) - 1)) / 1e6 AS lower_s,
    if(bucket < 32, toInt64(bucket) + 1, bitShiftLeft(toInt64(33 + bucket % 32), intDiv(bucket, 32) - 1)) / 1e6 AS upper_s,
    (lower_s + upper_s) / 2 AS middle_s,
    toUInt64(greatest(counted, 0)) AS steps
FROM {db}.windows FINAL
ARRAY JOIN mapKeys(duration_buckets) AS bucket, mapValues(duration_buckets) AS counted
WHERE width_s = 60;

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

-- The names of OpenTelemetry's ClickHouse exporter, so that trace tools find the steps.
CREATE OR REPLACE VIEW otel_traces AS
SELECT
    start_time AS Timestamp,
    run_id AS TraceId,
    if(match(event_id, '^[0-9a-f]{32}-[0-9a-f]{16}$'), substring(event_id, 34), event_id) AS SpanId,
    if(match(parent_event_id, '^[0-9a-f]{32}-[0-9a-f]{16}$'), substring(parent_event_id, 34), parent_event_id) AS ParentSpanId,
    '' AS TraceState,
    step_name AS SpanName,
    'Internal' AS SpanKind,
    if(service_name = '', agent_name, service_name) AS ServiceName,
    resource_attributes AS ResourceAttributes,
    scope_name AS ScopeName,
    scope_version AS ScopeVersion,
    mapUpdate(
        CAST(attributes, 'Map(LowCardinality(String), String)'),
        CAST(
            mapFilter((k, v) -> v != '', map(
                'gen_ai.operation.name', toString(operation_name),
                'gen_ai.agent.name', toString(agent_name),
                'gen_ai.provider.name', toString(provider_name),
                'gen_ai.request.model', toString(request_model),
                'gen_ai.response.model', toString(response_model),
                'gen_ai.tool.name', toString(tool_name),
                'gen_ai.usage.input_tokens', ifNull(toString(input_tokens), ''),
                'gen_ai.usage.output_tokens', ifNull(toString(output_tokens), ''),
                'error.type', toString(error_type),
                'wakeline.cost_usd', ifNull(toString(cost_usd), '')
            )),
            'Map(LowCardinality(String), String)'
        )
    ) AS SpanAttributes,
    toUInt64(greatest(ifNull(duration_ns, 0), 0)) AS Duration,
    if(error_type = '', 'Unset', 'Error') AS StatusCode,
    error_message AS StatusMessage,
    CAST([], 'Array(DateTime64(9))') AS `Events.Timestamp`,
    CAST([], 'Array(LowCardinality(String))') AS `Events.Name`,
    CAST([], 'Array(Map(LowCardinality(String), String))') AS `Events.Attributes`,
    CAST([], 'Array(String)') AS `Links.TraceId`,
    CAST([], 'Array(String)') AS `Links.SpanId`,
    CAST([], 'Array(String)') AS `Links.TraceState`,
    CAST([], 'Array(Map(LowCardinality(String), String))') AS `Links.Attributes`,
    namespace,
    time
FROM {db}.steps FINAL;

CREATE OR REPLACE VIEW otel_traces_trace_id_ts AS
SELECT
    run_id AS TraceId,
    toDateTime(min(start_time)) AS Start,
    toDateTime(max(ifNull(end_time, start_time))) + 1 AS End
FROM {db}.runs FINAL
GROUP BY TraceId;
