-- title: Loops
-- question: Which runs called one tool with the same arguments again and again, and what did that cost?
SELECT
    run_id,
    argMin(agent_name, part) AS agent,
    max(repeated_tool_calls) AS same_call,
    sum(steps) AS all_steps,
    sum(cost_usd) AS spent_usd,
    argMax(state, part) AS last_state
FROM run_parts
WHERE namespace = {namespace:String}
    AND time >= {since:DateTime('UTC')}
    AND time < {until:DateTime('UTC')}
GROUP BY run_id
HAVING same_call >= 10
ORDER BY same_call DESC, run_id
LIMIT 50;
