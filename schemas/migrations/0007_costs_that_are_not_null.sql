-- Views of 0006 again. There a sum of nothing was NULL and took with it what it was added to, the day that runs was
-- projected twice, and the parts of a cost lacked audio and fees.

-- Who spends what, by the hour: sum over any of the columns that name somebody. `cost_usd` is the sum of its six parts
-- and of `reported_cost_usd`, which has none.
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
    sumIf(cost_audio_usd, NOT is_duplicate) AS cost_audio_usd,
    sumIf(cost_requests_usd, NOT is_duplicate) AS cost_requests_usd,
    sumIf(input_tokens, billed AND NOT is_duplicate) AS input_tokens,
    sumIf(output_tokens, billed AND NOT is_duplicate) AS output_tokens,
    sumIf(cache_read_input_tokens, billed AND NOT is_duplicate) AS cache_read_input_tokens,
    sumIf(cache_write_input_tokens, billed AND NOT is_duplicate) AS cache_write_input_tokens,
    sumIf(reasoning_output_tokens, billed AND NOT is_duplicate) AS reasoning_output_tokens,
    countIf(cost_status = 'unpriced' AND NOT is_duplicate) AS unpriced_calls,
    sum(unpriced_input) AS unpriced_input_tokens,
    sum(unpriced_output) AS unpriced_output_tokens,
    countIf(cost_status = 'partial' AND NOT is_duplicate) AS partial_calls,
    sumIf(told_cost_usd, cost_status = 'reported' AND NOT is_duplicate) AS reported_cost_usd,
    countIf(is_duplicate OR cost_status = 'duplicate') AS duplicate_calls,
    sumIf(if(cost_status = 'duplicate', usage_cost_usd, told_cost_usd), is_duplicate OR cost_status = 'duplicate') AS duplicate_cost_usd
FROM
(
    SELECT
        *,
        cost_status NOT IN ('rollup', 'duplicate') AS billed,
        if(cost_status = 'unpriced' AND NOT is_duplicate, ifNull(input_tokens, 0), 0) AS unpriced_input,
        if(cost_status = 'unpriced' AND NOT is_duplicate, ifNull(output_tokens, 0), 0) AS unpriced_output
    FROM {db}.agent_calls
)
GROUP BY namespace, hour, agent_name, agent_version, environment, team, task, user_id, provider_name, model, kind;

-- Money that bought nothing, each cent once: failed runs first, then loops, then calls that failed.
CREATE OR REPLACE VIEW agent_waste AS
SELECT
    r.namespace AS namespace,
    toStartOfDay(r.time) AS day,
    r.agent_name AS agent_name,
    sum(r.cost_usd) AS cost_usd,
    sumIf(r.cost_usd, r.outcome_success = false) AS failed_runs_cost_usd,
    sumIf(r.cost_usd, r.outcome_success IS DISTINCT FROM false AND r.repeated_tool_calls >= 10) AS loops_cost_usd,
    sumIf(ifNull(f.cost_usd, 0), r.outcome_success IS DISTINCT FROM false AND r.repeated_tool_calls < 10) AS failed_calls_cost_usd,
    (toFloat64(failed_runs_cost_usd) + toFloat64(loops_cost_usd) + toFloat64(failed_calls_cost_usd))
        / nullIf(toFloat64(cost_usd), 0) AS waste_share
FROM {db}.agent_runs AS r
LEFT JOIN
(
    SELECT namespace, run_id, sum(cost_usd) AS cost_usd FROM {db}.agent_calls WHERE failed GROUP BY namespace, run_id
) AS f ON f.namespace = r.namespace AND f.run_id = r.run_id
GROUP BY namespace, day, agent_name;

-- What caches saved: cached tokens at the price that the same call paid for uncached ones; calls that had none of
-- those, or have no price, are left out of `saved_usd`, and their tokens counted. A response that was cached saved
-- the whole call.
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
        is_known AND cache_read_input_tokens > 0
    ) AS saved_usd,
    sumIf(ifNull(cache_read_input_tokens, 0), NOT is_known) AS tokens_of_unknown_saving,
    countIf(ifNull(response_cached, false)) AS cached_responses,
    toFloat64(sumIf(usage_cost_usd, ifNull(response_cached, false))) AS cached_responses_saved_usd
FROM
(
    SELECT
        *,
        ifNull(input_tokens, 0) - ifNull(cache_read_input_tokens, 0) - ifNull(cache_write_input_tokens, 0)
            - ifNull(input_audio_tokens, 0) AS uncached,
        uncached > 0 AND ifNull(cost_input_usd > 0, false) AS is_known
    FROM {db}.agent_calls
    WHERE cost_status NOT IN ('rollup', 'duplicate') AND NOT is_duplicate
)
GROUP BY namespace, day, agent_name, provider_name, model;

-- What a month will cost if its days go on like the last seven: so far, and what is left of it at their mean,
-- lowest and highest. A day without a call counts as one of cost 0; the day that runs is none of the seven, and what
-- is left of it is a part of a day. Days are UTC's. NULL where no call had a price; `unpriced_calls` are in no sum.
CREATE OR REPLACE VIEW agent_projections AS
SELECT
    namespace,
    agent_name,
    if(count(day_cost) = 0, NULL, ifNull(sumIf(day_cost, day >= toStartOfMonth(today)), 0)) AS month_so_far_usd,
    dateDiff('second', now('UTC'), toDateTime(addMonths(toStartOfMonth(today), 1), 'UTC')) / 86400 AS days_left,
    arrayResize(arraySort(groupArrayIf(day_cost, day < today AND day >= today - 7)), 7, 0.) AS days_usd,
    month_so_far_usd + days_left * arraySum(days_usd) / 7 AS month_usd,
    month_so_far_usd + days_left * arrayMin(days_usd) AS month_low_usd,
    month_so_far_usd + days_left * arrayMax(days_usd) AS month_high_usd,
    sum(day_unpriced) AS unpriced_calls
FROM
(
    SELECT
        namespace,
        agent_name,
        toDate(time) AS day,
        toDate(now('UTC')) AS today,
        toFloat64(sum(cost_usd)) AS day_cost,
        countIf(cost_status = 'unpriced' AND NOT is_duplicate) AS day_unpriced
    FROM {db}.agent_calls
    WHERE time >= least(toStartOfMonth(toDate(now('UTC'))), toDate(now('UTC')) - 7)
    GROUP BY namespace, agent_name, day
)
GROUP BY namespace, agent_name, today;
