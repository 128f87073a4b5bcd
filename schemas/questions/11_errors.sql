-- title: Errors
-- question: What fails most, where, and what does the newest message say?
SELECT
    agent_name,
    step_name,
    error_type,
    count() AS failures,
    uniqExact(run_id) AS runs,
    argMax(error_message, time) AS newest_message,
    max(time) AS newest
FROM agent_steps
WHERE namespace = {namespace:String}
    AND time >= {since:DateTime('UTC')}
    AND time < {until:DateTime('UTC')}
    AND failed
GROUP BY agent_name, step_name, error_type
ORDER BY failures DESC, agent_name, step_name, error_type
LIMIT 50;
