-- title: Tables
-- question: How large is each table now, in how many parts does it lie, and is it being merged (all namespaces, whatever the range)?
-- unit: short
SELECT
    stored.table AS `table`,
    stored.rows AS rows,
    stored.bytes AS bytes,
    stored.parts AS parts,
    stored.most_parts AS most_parts,
    merging.merges AS merges,
    stored.newest AS newest
FROM
(
    SELECT
        table,
        sum(p.rows) AS rows,
        sum(p.bytes) AS bytes,
        sum(p.count) AS parts,
        max(p.count) AS most_parts,
        max(p.newest) AS newest
    FROM
    (
        SELECT table, partition, sum(rows) AS rows, sum(bytes_on_disk) AS bytes, count() AS count, max(stored_time) AS newest
        FROM storage_parts
        WHERE table != 'schema_migrations'
        GROUP BY table, partition
    ) AS p
    GROUP BY table
) AS stored
LEFT JOIN (SELECT table, count() AS merges FROM storage_merges GROUP BY table) AS merging ON merging.table = stored.table
ORDER BY bytes DESC, `table`
LIMIT 50
