-- title: Runaway runs
-- question: Which open runs, or runs that ended less than a quarter of an hour ago, have more steps or cost more than a run of their agent may?
-- unit: short
SELECT
    if(agent_name = '', 'unattributed', CAST(agent_name, 'String')) AS agent,
    run,
    greatest(counted / {run_steps}, spent_usd / {run_usd}) AS times_allowed
FROM
(
    SELECT
        run_id AS run,
        argMin(p.agent_name, p.part) AS agent_name,
        sum(p.steps) AS counted,
        toFloat64(sum(p.cost_usd)) AS spent_usd
    FROM run_parts AS p
    WHERE p.namespace = {namespace}
        AND p.time >= $__fromTime
        AND p.time < $__toTime
    GROUP BY p.run_id
    HAVING argMax(p.state, p.part) = 'open' OR max(p.end_time) > $__toTime - 900
)
WHERE times_allowed >= {recovers_below}
ORDER BY agent, run
