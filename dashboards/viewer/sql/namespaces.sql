-- Which namespaces have runs, and from when to when? Without FINAL, as in extent.sql.
SELECT
    CAST(namespace, 'String') AS namespace,
    min(opened_time) AS first,
    max(least(greatest(opened_time, ifNull(end_time, opened_time)), append_time + INTERVAL 1 DAY)) AS last
FROM runs
GROUP BY namespace
ORDER BY namespace != 'live', last DESC
LIMIT 200
