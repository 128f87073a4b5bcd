-- title: Most expensive runs
-- question: Which runs cost most, how long did they take, and what came of them?
SELECT
    run_id,
    argMin(agent_name, part) AS agent,
    min(time) AS began,
    sum(llm_calls) AS calls,
    sum(tool_calls) AS tools,
    sum(cost_usd) AS spent_usd,
    dateDiff('second', min(start_time), max(end_time)) AS took_s,
    argMaxIf(outcome_name, part, outcome_name != '' OR isNotNull(outcome_success)) AS outcome
FROM run_parts
WHERE namespace = {namespace:String}
    AND time >= {since:DateTime('UTC')}
    AND time < {until:DateTime('UTC')}
GROUP BY run_id
ORDER BY spent_usd DESC, run_id
LIMIT 20;
