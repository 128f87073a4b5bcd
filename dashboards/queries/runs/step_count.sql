-- title: Steps of a run
-- question: How many steps has a run that matches, in the mean?
-- unit: short
SELECT
    point.1 AS time,
    point.2 AS steps
FROM
(
    SELECT arrayJoin([
        ($__fromTime, avgOrNullIf(step_count, began < $__fromTime)),
        ($__toTime, avgOrNullIf(step_count, began >= $__fromTime))
    ]) AS point
    FROM
    (
        {{matching_runs}}
            AND {{since_previous}}
        GROUP BY run_id
        HAVING {{run_limits}}
    )
)
WHERE time = $__toTime OR steps > 0
ORDER BY time
