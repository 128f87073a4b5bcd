-- title: Incidents
-- question: What changed or loops in the range and is not known to be a false alarm (of all environments)?
-- unit: short
SELECT
    opened_time AS opened,
    closed_time AS closed,
    state,
    agent_name AS agent,
    step_name AS step,
    signal,
    summary,
    run_id AS run
FROM agent_incidents
WHERE {{agents}}
    AND state != 'closed'
    AND time < $__toTime
    AND (closed_time IS NULL OR closed_time >= $__fromTime)
ORDER BY closed_time IS NOT NULL, opened_time DESC
LIMIT 100
