-- title: Most parts of a partition
-- question: Which tables are merged too slowly now (ClickHouse slows inserts down from 1,000 parts of a partition on, and refuses them from 3,000 on; all namespaces)?
-- unit: short
SELECT table, max(count) AS parts
FROM
(
    SELECT table, partition, count() AS count
    FROM storage_parts
    WHERE table != 'schema_migrations'
    GROUP BY table, partition
)
GROUP BY table
ORDER BY parts DESC, table
LIMIT 20
