-- title: Failed steps
-- question: Which share of steps failed (agents and runs, which contain steps, left out)?
-- unit: percentunit
SELECT
    point.1 AS time,
    point.2 AS failed
FROM
(
    SELECT arrayJoin([
        ($__fromTime, sumIf(errors, time < $__fromTime) / nullIf(sumIf(steps, time < $__fromTime), 0)),
        ($__toTime, sumIf(errors, time >= $__fromTime) / nullIf(sumIf(steps, time >= $__fromTime), 0))
    ]) AS point
    FROM window_parts
    WHERE {{scope}}
        AND {{models}}
        AND {{width}}
        AND {{leaves}}
        AND {{since_previous}}
)
WHERE time = $__toTime OR failed > 0
ORDER BY time
