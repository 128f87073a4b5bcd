-- title: Confirmed drift
-- question: Which signals of which steps have changed, confirmed, and are not yet taken for the new normal?
-- unit: short
SELECT
    CAST(agent_name, 'String') AS agent,
    CAST(step_name, 'String') AS step,
    CAST(signal, 'String') AS signal,
    count() AS incidents
FROM agent_incidents
WHERE namespace = {namespace}
    AND state = 'confirmed'
    AND {{in_range}}
    AND (closed_time IS NULL OR closed_time > $__toTime)
GROUP BY agent, step, signal
ORDER BY agent, step, signal
