-- title: Team
-- question: Which teams have runs in the range?
-- unit: short
SELECT DISTINCT
    if(team = '', '(none)', replaceAll(team, '\\', '\\\\')) AS value,
    if(team = '', '(none)', CAST(team, 'String')) AS text
FROM run_parts
WHERE namespace = ${namespace:sqlstring}
    AND {{in_range}}
ORDER BY text
