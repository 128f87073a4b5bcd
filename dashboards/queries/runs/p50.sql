-- title: Median duration
-- question: How long does half of the closed runs that match take at most?
-- unit: s
SELECT
    point.1 AS time,
    point.2 AS p50
FROM
(
    SELECT arrayJoin([
        ($__fromTime, quantileExactOrNullIf(0.5)(seconds, last_state = 'closed' AND began < $__fromTime)),
        ($__toTime, quantileExactOrNullIf(0.5)(seconds, last_state = 'closed' AND began >= $__fromTime))
    ]) AS point
    FROM
    (
        {{matching_runs}}
            AND {{since_previous}}
        GROUP BY run_id
        HAVING {{run_limits}}
    )
)
WHERE time = $__toTime OR p50 > 0
ORDER BY time
