-- title: Incidents
-- question: What changed, by how much, and is it over?
SELECT
    opened_time,
    closed_time,
    state,
    agent_name,
    step_name,
    signal,
    reference_level,
    current_level,
    summary
FROM agent_incidents
WHERE namespace = {namespace:String}
    AND time >= {since:DateTime('UTC')}
    AND time < {until:DateTime('UTC')}
    AND state != 'closed'
ORDER BY opened_time DESC, incident_id
LIMIT 100;
