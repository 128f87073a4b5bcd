-- title: Model
-- question: Which models were asked in the range?
-- unit: short
SELECT
    CAST(model, 'String') AS value,
    value AS text
FROM window_parts
WHERE namespace = decodeURLComponent('${namespace:percentencode}')
    AND {{width}}
    AND {{in_range}}
    AND model != ''
GROUP BY model
HAVING sum(steps) > 0
ORDER BY text
LIMIT 1000
