-- title: Success
-- question: Which share of the closed runs that match succeeded: by their outcome where one was reported, else without a failed step?
-- unit: percentunit
SELECT
    point.1 AS time,
    point.2 AS success
FROM
(
    SELECT arrayJoin([
        ($__fromTime, avgOrNullIf(succeeded, last_state = 'closed' AND began < $__fromTime)),
        ($__toTime, avgOrNullIf(succeeded, last_state = 'closed' AND began >= $__fromTime))
    ]) AS point
    FROM
    (
        {{matching_runs}}
            AND {{since_previous}}
        GROUP BY run_id
        HAVING {{run_limits}}
    )
)
WHERE time = $__toTime OR success > 0
ORDER BY time
