-- title: Dead letters
-- question: How many records could not be taken, by reason?
-- unit: short
SELECT
    CAST(reason, 'String') AS reason,
    count() AS records
FROM agent_dead_letters
WHERE namespace = {namespace}
    AND {{in_range}}
GROUP BY reason
ORDER BY reason
