-- title: Steps of a run
-- question: How many steps has a run that matches, in the mean?
-- unit: short
SELECT
    point.1 AS time,
    point.2 AS steps
FROM
(
    SELECT arrayJoin([
        ($__fromTime, avgIf(step_count, began < $__fromTime), countIf(began < $__fromTime)),
        ($__toTime, avgIf(step_count, began >= $__fromTime), countIf(began >= $__fromTime))
    ]) AS point
    FROM
    (
        {{matching_runs}}
            AND {{since_previous}}
        GROUP BY run_id
        HAVING {{run_limits}}
    )
)
WHERE point.3 > 0
ORDER BY time
