-- title: Ledger entries
-- question: How often did the pipeline do something that changes how numbers are to be read (whole namespace)?
-- unit: short
SELECT count() AS entries
FROM agent_ledger
WHERE namespace = decodeURLComponent('${namespace:percentencode}')
    AND {{in_range}}
