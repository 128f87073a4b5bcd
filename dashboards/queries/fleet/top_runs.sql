-- title: Most expensive runs
-- question: Which runs cost most, and what came of them?
-- unit: short
SELECT
    run_id,
    min(time) AS started,
    argMin(agent_name, part) AS agent,
    (toUnixTimestamp64Nano(max(end_time)) - toUnixTimestamp64Nano(min(start_time))) / 1e9 AS duration,
    sum(steps) AS steps,
    sum(errors) AS errors,
    sum(input_tokens) AS input,
    sum(output_tokens) AS output,
    toFloat64(sum(cost_usd)) AS cost,
    argMax(outcome_name, part) AS outcome
FROM
(
    SELECT *
    FROM run_parts
    WHERE {{run_scope}}
        AND $__timeFilter(time)
)
GROUP BY run_id
ORDER BY cost DESC, run_id
LIMIT 20
