-- title: p95 of duration
-- question: Below which duration are 95 % of the closed runs that match?
-- unit: s
SELECT
    point.1 AS time,
    point.2 AS p95
FROM
(
    SELECT arrayJoin([
        ($__fromTime, quantileExactOrNullIf(0.95)(seconds, last_state = 'closed' AND began < $__fromTime)),
        ($__toTime, quantileExactOrNullIf(0.95)(seconds, last_state = 'closed' AND began >= $__fromTime))
    ]) AS point
    FROM
    (
        {{matching_runs}}
            AND {{since_previous}}
        GROUP BY run_id
        HAVING {{run_limits}}
    )
)
WHERE time = $__toTime OR p95 > 0
ORDER BY time
