-- Costs: what was repriced, and views of who spends what, what for, and what of it is lost.
-- Each step that `wakeline reprice` changed, with what it cost before.
CREATE TABLE IF NOT EXISTS repricings
(
    namespace LowCardinality(String),
    repricing_time DateTime64(3, 'UTC'),
    run_id String CODEC(ZSTD(1)),
    event_id String CODEC(ZSTD(1)),
    time DateTime64(9, 'UTC') CODEC(ZSTD(1)),
    old_cost_usd Nullable(Decimal(18, 12)) CODEC(ZSTD(1)),
    old_usage_cost_usd Nullable(Decimal(18, 12)) CODEC(ZSTD(1)),
    old_cost_status LowCardinality(String),
    old_price_id LowCardinality(String),
    old_price_book LowCardinality(String),
    cost_usd Nullable(Decimal(18, 12)) CODEC(ZSTD(1)),
    cost_input_usd Nullable(Decimal(18, 12)) CODEC(ZSTD(1)),
    cost_cache_read_usd Nullable(Decimal(18, 12)) CODEC(ZSTD(1)),
    cost_cache_write_usd Nullable(Decimal(18, 12)) CODEC(ZSTD(1)),
    cost_output_usd Nullable(Decimal(18, 12)) CODEC(ZSTD(1)),
    cost_audio_usd Nullable(Decimal(18, 12)) CODEC(ZSTD(1)),
    cost_requests_usd Nullable(Decimal(18, 12)) CODEC(ZSTD(1)),
    usage_cost_usd Nullable(Decimal(18, 12)) CODEC(ZSTD(1)),
    cost_status LowCardinality(String),
    price_status LowCardinality(String),
    cost_reason LowCardinality(String),
    price_id LowCardinality(String),
    price_book LowCardinality(String),
    stored_time DateTime DEFAULT now(),
    row_version UInt64 DEFAULT 1,
    is_deleted UInt8
)
ENGINE = ReplacingMergeTree(row_version, is_deleted)
PARTITION BY toYYYYMM(repricing_time)
ORDER BY (namespace, repricing_time, run_id, event_id)
TTL stored_time + INTERVAL 400 DAY;

-- Calls as the provider bills them. One call that several emitters tell of in several runs (a gateway that starts
-- traces of its own) is the smallest event id's, for the same provider and answer; the others keep what they would
-- cost, and are counted. One emitter tells of a call once: where a server gives one id to many answers, the first
-- report of an emitter is the first of another, and so on.
CREATE OR REPLACE VIEW agent_calls AS
SELECT
    s.* EXCEPT (cost_usd),
    s.cost_usd AS told_cost_usd,
    d.event_id != '' AS is_duplicate,
    if(is_duplicate, NULL, s.cost_usd) AS cost_usd
FROM {db}.agent_steps AS s
LEFT JOIN
(
    SELECT namespace, event_id
    FROM
    (
        SELECT
            namespace,
            event_id,
            min(event_id) OVER (PARTITION BY namespace, provider_name, response_id, report) AS first_id
        FROM
        (
            SELECT
                namespace,
                provider_name,
                response_id,
                event_id,
                row_number() OVER (
                    PARTITION BY namespace, provider_name, response_id, scope_name, service_name
                    ORDER BY time, event_id
                ) AS report
            FROM {db}.agent_steps
            WHERE response_id != '' AND cost_status IN ('priced', 'partial', 'unpriced', 'reported')
                AND NOT ifNull(response_cached, false)
                AND cityHash64(namespace, provider_name, response_id) IN
                (
                    -- Few calls are told of twice: their hashes are found first, in 40 bytes of each call.
                    SELECT cityHash64(namespace, provider_name, response_id) AS call
                    FROM {db}.agent_steps
                    WHERE response_id != '' AND cost_status IN ('priced', 'partial', 'unpriced', 'reported')
                        AND NOT ifNull(response_cached, false)
                    GROUP BY call
                    HAVING min(cityHash64(scope_name, service_name)) != max(cityHash64(scope_name, service_name))
                )
        )
    )
    WHERE event_id != first_id
) AS d ON s.namespace = d.namespace AND s.event_id = d.event_id
WHERE s.cost_status NOT IN ('none');

-- Who spends what, by the hour: sum over any of the columns that name somebody.
CREATE OR REPLACE VIEW agent_costs AS
SELECT
    namespace,
    toStartOfHour(time) AS hour,
    agent_name,
    agent_version,
    environment,
    team,
    task,
    user_id,
    provider_name,
    model,
    kind,
    countIf(billed AND NOT is_duplicate) AS calls,
    sum(cost_usd) AS cost_usd,
    sumIf(cost_input_usd, NOT is_duplicate) AS cost_input_usd,
    sumIf(cost_cache_read_usd, NOT is_duplicate) AS cost_cache_read_usd,
    sumIf(cost_cache_write_usd, NOT is_duplicate) AS cost_cache_write_usd,
    sumIf(cost_output_usd, NOT is_duplicate) AS cost_output_usd,
    sumIf(input_tokens, billed AND NOT is_duplicate) AS input_tokens,
    sumIf(output_tokens, billed AND NOT is_duplicate) AS output_tokens,
    sumIf(cache_read_input_tokens, billed AND NOT is_duplicate) AS cache_read_input_tokens,
    sumIf(cache_write_input_tokens, billed AND NOT is_duplicate) AS cache_write_input_tokens,
    sumIf(reasoning_output_tokens, billed AND NOT is_duplicate) AS reasoning_output_tokens,
    countIf(cost_status = 'unpriced' AND NOT is_duplicate) AS unpriced_calls,
    countIf(cost_status = 'partial' AND NOT is_duplicate) AS partial_calls,
    sumIf(told_cost_usd, cost_status = 'reported' AND NOT is_duplicate) AS reported_cost_usd,
    countIf(is_duplicate OR cost_status = 'duplicate') AS duplicate_calls,
    sumIf(if(cost_status = 'duplicate', usage_cost_usd, told_cost_usd), is_duplicate OR cost_status = 'duplicate') AS duplicate_cost_usd
FROM
(
    SELECT *, cost_status NOT IN ('rollup', 'duplicate') AS billed FROM {db}.agent_calls
)
GROUP BY namespace, hour, agent_name, agent_version, environment, team, task, user_id, provider_name, model, kind;

-- What steps around calls say of their usage, against what those calls say: what is missing below them.
CREATE OR REPLACE VIEW agent_rollups AS
SELECT
    namespace,
    run_id,
    any(time) AS time,
    maxIf(ifNull(input_tokens, 0) + ifNull(output_tokens, 0), cost_status = 'rollup' AND kind IN ('agent', 'run', 'other')) AS told_tokens,
    sumIf(ifNull(input_tokens, 0) + ifNull(output_tokens, 0), cost_status NOT IN ('rollup', 'duplicate', 'none')) AS summed_tokens,
    greatest(told_tokens - summed_tokens, 0) / nullIf(told_tokens, 0) AS missing_share
FROM {db}.agent_steps
GROUP BY namespace, run_id
HAVING told_tokens > 0;

-- A run's cost against that of its first call: what the first question led to.
CREATE OR REPLACE VIEW run_multipliers AS
SELECT
    c.namespace AS namespace,
    c.run_id AS run_id,
    min(c.time) AS time,
    argMinIf(c.agent_name, c.time, c.cost_usd > 0) AS agent_name,
    countIf(c.cost_usd IS NOT NULL) AS calls,
    sum(c.cost_usd) AS cost_usd,
    argMinIf(c.cost_usd, c.time, c.cost_usd > 0) AS first_call_cost_usd,
    toFloat64(cost_usd) / nullIf(toFloat64(first_call_cost_usd), 0) AS multiplier
FROM {db}.agent_calls AS c
GROUP BY namespace, run_id
HAVING cost_usd > 0;

CREATE OR REPLACE VIEW agent_multipliers AS
SELECT
    namespace,
    agent_name,
    count() AS runs,
    quantileExact(0.5)(multiplier) AS multiplier_p50,
    quantileExact(0.95)(multiplier) AS multiplier_p95,
    max(multiplier) AS multiplier_max
FROM {db}.run_multipliers
GROUP BY namespace, agent_name;

-- What a success costs: all that was spent, failures included, by successes. Runs that tell no outcome are apart.
CREATE OR REPLACE VIEW agent_outcome_costs AS
SELECT
    namespace,
    agent_name,
    agent_version,
    task,
    outcome_name,
    countIf(r.outcome_success IS NOT NULL) AS runs,
    countIf(r.outcome_success) AS successes,
    countIf(r.outcome_success IS NULL) AS runs_without_outcome,
    sumIf(r.cost_usd, r.outcome_success IS NOT NULL) AS cost_usd,
    sumIf(r.cost_usd, r.outcome_success IS NULL) AS cost_without_outcome_usd,
    if(successes = 0, NULL, toFloat64(cost_usd) / successes) AS cost_per_success_usd
FROM {db}.agent_runs AS r
GROUP BY namespace, agent_name, agent_version, task, outcome_name;

-- Money that bought nothing, each cent once: failed runs first, then loops, then calls that failed.
CREATE OR REPLACE VIEW agent_waste AS
SELECT
    r.namespace AS namespace,
    toStartOfDay(r.time) AS day,
    r.agent_name AS agent_name,
    sum(r.cost_usd) AS cost_usd,
    sumIf(r.cost_usd, r.outcome_success = false) AS failed_runs_cost_usd,
    sumIf(r.cost_usd, r.outcome_success IS DISTINCT FROM false AND r.repeated_tool_calls >= 10) AS loops_cost_usd,
    sumIf(f.cost_usd, r.outcome_success IS DISTINCT FROM false AND r.repeated_tool_calls < 10) AS failed_calls_cost_usd,
    (toFloat64(failed_runs_cost_usd) + toFloat64(loops_cost_usd) + toFloat64(failed_calls_cost_usd))
        / nullIf(toFloat64(cost_usd), 0) AS waste_share
FROM {db}.agent_runs AS r
LEFT JOIN
(
    SELECT namespace, run_id, sum(cost_usd) AS cost_usd FROM {db}.agent_calls WHERE failed GROUP BY namespace, run_id
) AS f ON f.namespace = r.namespace AND f.run_id = r.run_id
GROUP BY namespace, day, agent_name;

-- What caches saved: cached tokens at the price that the same call paid for uncached ones; calls that had none of
-- those are left out of `saved_usd`, and their tokens counted. A response that was cached saved the whole call.
CREATE OR REPLACE VIEW agent_cache_savings AS
SELECT
    namespace,
    toStartOfDay(time) AS day,
    agent_name,
    provider_name,
    model,
    sum(ifNull(cache_read_input_tokens, 0)) AS cached_tokens,
    sum(ifNull(input_tokens, 0)) AS input_tokens,
    cached_tokens / nullIf(input_tokens, 0) AS hit_share,
    sumIf(
        toFloat64(cost_input_usd) / uncached * cache_read_input_tokens - toFloat64(cost_cache_read_usd),
        uncached > 0 AND cost_input_usd > 0 AND cache_read_input_tokens > 0
    ) AS saved_usd,
    sumIf(cache_read_input_tokens, NOT (uncached > 0 AND cost_input_usd > 0)) AS tokens_of_unknown_saving,
    countIf(ifNull(response_cached, false)) AS cached_responses,
    toFloat64(sumIf(usage_cost_usd, ifNull(response_cached, false))) AS cached_responses_saved_usd
FROM
(
    SELECT
        *,
        ifNull(input_tokens, 0) - ifNull(cache_read_input_tokens, 0) - ifNull(cache_write_input_tokens, 0)
            - ifNull(input_audio_tokens, 0) AS uncached
    FROM {db}.agent_calls
    WHERE cost_status NOT IN ('rollup', 'duplicate') AND NOT is_duplicate
)
GROUP BY namespace, day, agent_name, provider_name, model;

-- What a month will cost if its days go on like the last seven: so far, and the days that are left at their mean,
-- lowest and highest. A day without a call counts as one of cost 0; the day that runs is left out.
CREATE OR REPLACE VIEW agent_projections AS
SELECT
    namespace,
    agent_name,
    sumIf(day_cost, day >= toStartOfMonth(today())) AS month_so_far_usd,
    dateDiff('day', today(), toLastDayOfMonth(today())) + 1 AS days_left,
    arrayResize(arraySort(groupArrayIf(day_cost, day < today() AND day >= today() - 7)), 7, 0.) AS days_usd,
    month_so_far_usd + days_left * arraySum(days_usd) / 7 AS month_usd,
    month_so_far_usd + days_left * arrayMin(days_usd) AS month_low_usd,
    month_so_far_usd + days_left * arrayMax(days_usd) AS month_high_usd
FROM
(
    SELECT namespace, agent_name, toDate(time) AS day, toFloat64(sum(cost_usd)) AS day_cost
    FROM {db}.agent_calls
    WHERE time >= least(toStartOfMonth(today()), today() - 7)
    GROUP BY namespace, agent_name, day
)
GROUP BY namespace, agent_name;

-- What emitters say that calls cost, against our price.
CREATE OR REPLACE VIEW agent_reported_costs AS
SELECT
    namespace,
    scope_name,
    provider_name,
    model,
    count() AS calls,
    sum(reported_cost_usd) AS told_usd,
    sum(usage_cost_usd) AS ours_usd,
    toFloat64(told_usd) / nullIf(toFloat64(ours_usd), 0) AS ratio
FROM {db}.agent_steps
WHERE reported_cost_usd IS NOT NULL AND price_status IN ('priced', 'partial')
GROUP BY namespace, scope_name, provider_name, model;

-- How good is what each emitter sends, and what should it change?
CREATE OR REPLACE VIEW telemetry_health AS
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
    GROUP BY namespace, scope_name, scope_version
);
