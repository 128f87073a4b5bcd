-- title: Environment
-- question: Which environments have runs in the range?
-- unit: short
SELECT DISTINCT
    if(environment = '', '(none)', CAST(environment, 'String')) AS value,
    value AS text
FROM run_parts
WHERE namespace = decodeURLComponent('${namespace:percentencode}')
    AND {{in_range}}
ORDER BY text
