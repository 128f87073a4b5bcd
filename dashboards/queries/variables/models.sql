-- title: Model
-- question: Which models were asked in the range?
-- unit: short
SELECT DISTINCT
    replaceAll(model, '\\', '\\\\') AS value,
    CAST(model, 'String') AS text
FROM window_parts
WHERE namespace = ${namespace:sqlstring}
    AND {{width}}
    AND $__timeFilter(time)
    AND model != ''
ORDER BY text
