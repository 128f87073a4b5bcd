SELECT
        r.run_id AS run,
        r.began AS began,
        r.agent AS agent,
        toFloat64(r.cost) AS spend,
        if(ifNull(r.told_success = false, false), spend, 0) AS failed_runs,
        if(failed_runs = 0 AND r.repeated >= {{REPEATED_TOOL_CALLS.critical}}, spend, 0) AS loops,
        if(failed_runs = 0 AND loops = 0, toFloat64(ifNull(f.cost, 0)), 0) AS failed_calls
    FROM
    (
        {{whole_runs}}
            AND {{in_range}}
        GROUP BY run_id
    ) AS r
    LEFT JOIN
    (
        SELECT run_id, sum(cost_usd) AS cost
        FROM agent_steps
        WHERE namespace = decodeURLComponent('${namespace:percentencode}')
            AND {{in_range}}
            AND error_type != ''
            AND cost_usd > 0
        GROUP BY run_id
    ) AS f ON f.run_id = r.run_id
