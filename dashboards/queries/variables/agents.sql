-- title: Agent
-- question: Which agents have steps in the range?
-- unit: short
SELECT DISTINCT
    replaceAll(agent_name, '\\', '\\\\') AS value,
    CAST(agent_name, 'String') AS text
FROM agent_windows
WHERE namespace = ${namespace:sqlstring}
    AND {{width}}
    AND $__timeFilter(time)
    AND agent_name != ''
ORDER BY text
