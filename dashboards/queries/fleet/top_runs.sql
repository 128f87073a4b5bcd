-- title: Most expensive runs
-- question: Which runs cost most, and what came of them (all models of a run; one none of whose calls has a price shows no cost)?
-- unit: short
SELECT
    run_id AS run,
    agent,
    if(cost = 0 AND unpriced > 0, NULL, toFloat64(cost)) AS spend,
    unpriced,
    status,
    outcome,
    began AS started,
    seconds AS duration,
    step_count AS steps,
    error_count AS errors,
    input,
    output
FROM
(
    {{whole_runs}}
        AND {{in_range}}
    GROUP BY run_id
)
ORDER BY spend DESC NULLS LAST, run
LIMIT 20
