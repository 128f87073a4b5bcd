-- title: What detectors did not see
-- question: Which steps did detectors pass over, and why (whole namespace)?
-- unit: short
SELECT
    entry,
    sum(count) AS steps,
    max(time) AS last_time,
    argMax(detail, time) AS detail
FROM agent_ledger
WHERE namespace = decodeURLComponent('${namespace:percentencode}')
    AND {{in_range}}
    AND entry LIKE 'detectors.%'
GROUP BY entry
ORDER BY steps DESC
LIMIT 20
