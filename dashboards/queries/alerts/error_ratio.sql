-- title: Failed steps against their objective
-- question: How many times its allowed share of failures does a step exceed, by the lower end of what the calls of the range prove (Wilson's interval at three standard deviations)?
-- unit: short
SELECT
    if(agent_name = '', 'unattributed', CAST(agent_name, 'String')) AS agent,
    CAST(step_name, 'String') AS step,
    (share + 4.5 / calls - 3 * sqrt(share * (1 - share) / calls + 2.25 / (calls * calls))) / (1 + 9 / calls)
        / {error_ratio} AS times_allowed
FROM
(
    SELECT
        agent_name,
        step_name,
        toFloat64(sum(steps)) AS calls,
        sum(errors) / calls AS share
    FROM window_parts
    WHERE namespace = {namespace}
        AND width_s = 60
        AND {{leaves}}
        AND {{in_range}}
    GROUP BY agent_name, step_name
    HAVING sum(steps) > 0 AND sum(errors) >= 5
)
WHERE times_allowed >= {recovers_below}
ORDER BY agent, step
