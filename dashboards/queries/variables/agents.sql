-- title: Agent
-- question: Which agents have steps in the range?
-- unit: short
SELECT DISTINCT
    replaceAll(agent_name, '\\', '\\\\') AS value,
    CAST(agent_name, 'String') AS text
FROM window_parts
WHERE namespace = ${namespace:sqlstring}
    AND {{width}}
    AND $__timeFilter(time)
    AND agent_name != ''
ORDER BY text
