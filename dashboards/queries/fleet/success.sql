-- title: Success
-- question: Which share of closed runs succeeded: by their outcome where one was reported, else without a failed step?
-- unit: percentunit
SELECT
    point.1 AS time,
    point.2 AS success
FROM
(
    SELECT arrayJoin([
        ($__fromTime, avgOrNullIf(succeeded, began < $__fromTime)),
        ($__toTime, avgOrNullIf(succeeded, began >= $__fromTime))
    ]) AS point
    FROM
    (
        {{whole_runs}}
            AND {{since_previous}}
        GROUP BY run_id
        HAVING last_state = 'closed'
    )
)
WHERE time = $__toTime OR success > 0
ORDER BY time
