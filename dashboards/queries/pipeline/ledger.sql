-- title: Ledger
-- question: What did the pipeline do that changes how numbers are to be read: gaps, what limits folded, detectors that started anew, repairs (whole namespace)?
-- unit: short
SELECT
    time,
    role,
    entry,
    count,
    detail
FROM agent_ledger
WHERE namespace = decodeURLComponent('${namespace:percentencode}')
    AND {{in_range}}
ORDER BY time DESC, role, entry
LIMIT 200
