-- title: Median duration
-- question: How long does half of the closed runs that match take at most?
-- unit: s
SELECT
    point.1 AS time,
    point.2 AS p50
FROM
(
    SELECT arrayJoin([
        ($__fromTime, quantileExactIf(0.5)(seconds, last_state = 'closed' AND began < $__fromTime), countIf(last_state = 'closed' AND began < $__fromTime)),
        ($__toTime, quantileExactIf(0.5)(seconds, last_state = 'closed' AND began >= $__fromTime), countIf(last_state = 'closed' AND began >= $__fromTime))
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
