-- title: Agent
-- question: Which agents have steps in the range?
-- unit: short
SELECT
    CAST(agent_name, 'String') AS value,
    value AS text
FROM window_parts
WHERE namespace = decodeURLComponent('${namespace:percentencode}')
    AND {{width}}
    AND {{in_range}}
    AND agent_name != ''
GROUP BY agent_name
HAVING sum(steps) > 0
ORDER BY text
LIMIT 1000
