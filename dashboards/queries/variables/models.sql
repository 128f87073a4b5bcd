-- title: Model
-- question: Which models were asked in the range?
-- unit: short
SELECT
    replaceAll(model, '\\', '\\\\') AS value,
    CAST(model, 'String') AS text
FROM window_parts
WHERE namespace = ${namespace:sqlstring}
    AND {{width}}
    AND {{in_range}}
    AND model != ''
GROUP BY model
HAVING sum(steps) > 0
ORDER BY text
LIMIT 1000
