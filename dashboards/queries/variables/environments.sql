-- title: Environment
-- question: Which environments have runs in the range?
-- unit: short
SELECT DISTINCT
    if(environment = '', '(none)', replaceAll(environment, '\\', '\\\\')) AS value,
    if(environment = '', '(none)', CAST(environment, 'String')) AS text
FROM run_parts
WHERE namespace = ${namespace:sqlstring}
    AND {{in_range}}
ORDER BY text
