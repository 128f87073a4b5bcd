-- title: Looping runs
-- question: Which open runs make the same tool call again and again, or did so until a quarter of an hour ago?
-- unit: short
SELECT
    CAST(agent_name, 'String') AS agent,
    CAST(step_name, 'String') AS step,
    run_id AS run,
    max(n) AS calls
FROM agent_incidents
WHERE namespace = {namespace}
    AND detector = 'repeated-tool-call'
    AND {{in_range}}
    AND (closed_time IS NULL OR closed_time > $__toTime - 900)
GROUP BY agent, step, run
ORDER BY agent, step, run
