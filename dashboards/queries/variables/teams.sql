-- title: Team
-- question: Which teams have runs in the range?
-- unit: short
SELECT DISTINCT
    if(team = '', '(none)', CAST(team, 'String')) AS value,
    value AS text
FROM run_parts
WHERE namespace = decodeURLComponent('${namespace:percentencode}')
    AND {{in_range}}
ORDER BY text
