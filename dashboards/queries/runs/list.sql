-- title: List of runs
-- question: Which runs match the choices above (the newest 200; a run none of whose calls has a price shows no cost)?
-- unit: short
SELECT
    run_id AS run,
    began AS started,
    agent,
    status,
    outcome,
    seconds AS duration,
    if(cost = 0 AND unpriced > 0, NULL, toFloat64(cost)) AS spend,
    unpriced,
    step_count AS steps,
    error_count AS errors,
    llm_count AS calls,
    tool_count AS tools,
    repeated,
    input,
    output,
    version,
    env AS environment,
    of_team AS team,
    of_task AS task
FROM
(
    {{matching_runs}}
        AND {{in_range}}
    GROUP BY run_id
    HAVING {{run_limits}}
)
ORDER BY started DESC, run
LIMIT 200
