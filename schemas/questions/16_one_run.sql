-- title: One run, step by step
-- question: What did the most expensive run do, in order, and what did each step cost?
SELECT
    start_time,
    kind,
    agent_name,
    step_name,
    duration_s,
    input_tokens,
    output_tokens,
    cost_usd,
    error_type
FROM agent_steps
WHERE namespace = {namespace:String}
    AND run_id = (
        SELECT run_id
        FROM run_parts
        WHERE namespace = {namespace:String}
            AND time >= {since:DateTime('UTC')}
            AND time < {until:DateTime('UTC')}
        GROUP BY run_id
        ORDER BY sum(cost_usd) DESC, run_id
        LIMIT 1
    )
ORDER BY start_time, event_id;
