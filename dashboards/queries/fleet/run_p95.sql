-- title: p95 of a run
-- question: Below which duration are 95 % of closed runs, from their first start to their last end?
-- unit: s
SELECT
    point.1 AS time,
    point.2 AS p95
FROM
(
    SELECT arrayJoin([
        ($__fromTime, quantileExactOrNullIf(0.95)(seconds, began < $__fromTime)),
        ($__toTime, quantileExactOrNullIf(0.95)(seconds, began >= $__fromTime))
    ]) AS point
    FROM
    (
        {{whole_runs}}
            AND {{since_previous}}
        GROUP BY run_id
        HAVING last_state = 'closed'
    )
)
WHERE time = $__toTime OR p95 > 0
ORDER BY time
