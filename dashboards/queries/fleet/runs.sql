-- title: Runs
-- question: How many runs began, and how does that compare with as long a time before?
-- unit: short
SELECT
    point.1 AS time,
    point.2 AS runs
FROM
(
    SELECT arrayJoin([
        ($__fromTime, uniqExactIf(run_id, time < $__fromTime)),
        ($__toTime, uniqExactIf(run_id, time >= $__fromTime))
    ]) AS point
    FROM run_parts
    WHERE {{run_scope}}
        AND {{since_previous}}
)
WHERE time = $__toTime OR runs > 0
ORDER BY time
