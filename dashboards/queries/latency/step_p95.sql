-- title: p95 of a step
-- question: Below which duration are 95 % of steps (calls of models and tools; agents and runs, which contain them, left out)?
-- unit: s
SELECT
    point.1 AS time,
    point.2 AS p95
FROM
(
    SELECT arrayJoin([
        ($__fromTime, if(sumIf(steps, time < $__fromTime) > 0, quantileExactWeightedIf(0.95)(middle_s, toUInt64(steps), time < $__fromTime), NULL)),
        ($__toTime, if(sumIf(steps, time >= $__fromTime) > 0, quantileExactWeightedIf(0.95)(middle_s, toUInt64(steps), time >= $__fromTime), NULL))
    ]) AS point
    FROM duration_parts
    WHERE {{scope}}
        AND {{models}}
        AND {{width}}
        AND {{leaves}}
        AND {{since_previous}}
)
WHERE time = $__toTime OR p95 > 0
ORDER BY time
