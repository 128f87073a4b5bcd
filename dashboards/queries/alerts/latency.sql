-- title: Duration against its objective
-- question: How many times its objective is the 95th percentile of an agent's runs, and of each step that has one?
-- unit: short
SELECT
    if(agent_name = '', 'unattributed', CAST(agent_name, 'String')) AS agent,
    CAST(step, 'String') AS step,
    p95_s / allowed_s AS times_allowed
FROM
(
    SELECT
        agent_name,
        'whole run' AS step,
        quantileExact(0.95)(run_s) AS p95_s,
        count() AS observations,
        {run_p95_s} AS allowed_s
    FROM
    (
        SELECT
            argMin(p.agent_name, p.part) AS agent_name,
            (toUnixTimestamp64Nano(assumeNotNull(max(p.end_time))) - toUnixTimestamp64Nano(min(p.start_time))) / 1e9 AS run_s
        FROM run_parts AS p
        WHERE p.namespace = {namespace}
            AND p.time >= $__fromTime - 86400
            AND p.time < $__toTime
        GROUP BY p.run_id
        -- By their ends: of runs that began in the range, only the short ones have ended.
        HAVING argMax(p.state, p.part) = 'closed' AND max(p.end_time) >= $__fromTime AND max(p.end_time) < $__toTime
    )
    GROUP BY agent_name
    UNION ALL
    SELECT
        agent_name,
        CAST(step_name, 'String') AS step,
        quantileExactWeighted(0.95)(middle_s, toUInt64(steps)) AS p95_s,
        sum(steps) AS observations,
        {step_p95_s} AS allowed_s
    FROM duration_parts
    WHERE namespace = {namespace}
        AND width_s = 60
        AND {step_p95_s} > 0
        AND {{in_range}}
    GROUP BY agent_name, step_name
)
WHERE observations >= 20 AND times_allowed >= {recovers_below}
ORDER BY agent, step
