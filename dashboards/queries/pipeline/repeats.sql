-- title: Duplicates and late steps
-- question: How many steps came again, and how many over an hour late, so that no detector saw them?
-- unit: short
SELECT
    $__timeInterval(time) AS time,
    sum(again) AS duplicates,
    sum(after_an_hour) AS late
FROM
(
    SELECT time, duplicates AS again, 0 AS after_an_hour
    FROM run_parts
    WHERE {{run_scope}}
        AND {{in_range}}
    UNION ALL
    SELECT time, 0 AS again, count AS after_an_hour
    FROM agent_ledger
    WHERE namespace = decodeURLComponent('${namespace:percentencode}')
        AND {{in_range}}
        AND entry = 'detectors.late'
)
GROUP BY time
ORDER BY time
