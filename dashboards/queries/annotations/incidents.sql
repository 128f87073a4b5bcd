-- title: Incidents
-- question: When was something other than usual?
-- unit: short
SELECT
    opened_time AS time,
    least(ifNull(closed_time, toDateTime64({{until}}, 9, 'UTC')), toDateTime64({{until}}, 9, 'UTC')) AS timeEnd,
    concat(agent_name, ' · ', step_name) AS title,
    summary AS text,
    concat(agent_name, ',', signal) AS tags
FROM agent_incidents
WHERE {{agents}}
    AND state != 'closed'
    AND opened_time < $__toTime
    AND (closed_time IS NULL OR closed_time >= $__fromTime)
ORDER BY time
LIMIT 500
