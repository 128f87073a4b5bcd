-- title: Duplicates
-- question: Which share of what runs received had been received before, and was counted once?
-- unit: percentunit
SELECT sum(duplicates) / nullIf(sum(steps) + sum(duplicates), 0) AS duplicates
FROM run_parts
WHERE {{run_scope}}
    AND {{in_range}}
