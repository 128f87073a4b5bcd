-- title: Namespace
-- question: Which namespaces have runs in the range?
-- unit: short
SELECT value, text
FROM
(
    SELECT DISTINCT CAST(namespace, 'String') AS value, value AS text
    FROM run_parts
    WHERE {{in_range}}
    UNION DISTINCT
    SELECT 'live' AS value, 'live' AS text
)
ORDER BY text != 'live', text
