-- title: Runs and their success
-- question: How many runs does each agent have, which share succeeds, how long do they take, and what does one cost?
SELECT
    agent,
    count() AS runs,
    countIf(isNotNull(success)) AS runs_with_outcome,
    countIf(success) / nullIf(runs_with_outcome, 0) AS success_share,
    quantileExact(0.5)(took_s) AS p50_s,
    quantileExact(0.95)(took_s) AS p95_s,
    avg(toFloat64(spent)) AS mean_cost_usd
FROM
(
    SELECT
        run_id,
        argMin(agent_name, part) AS agent,
        argMaxIf(outcome_success, part, isNotNull(outcome_success)) AS success,
        dateDiff('microsecond', min(start_time), max(end_time)) / 1e6 AS took_s,
        sum(cost_usd) AS spent
    FROM run_parts
    WHERE namespace = {namespace:String}
        AND time >= {since:DateTime('UTC')}
        AND time < {until:DateTime('UTC')}
    GROUP BY run_id
)
GROUP BY agent
ORDER BY runs DESC, agent;
