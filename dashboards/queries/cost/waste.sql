-- title: Wasted
-- question: Which share of what runs cost bought nothing: runs that failed by their outcome, else loops, else calls that failed (all models of a run)?
-- unit: percentunit
SELECT
    point.1 AS time,
    point.2 AS wasted
FROM
(
    SELECT arrayJoin([
        ($__fromTime, sumIf(failed_runs + loops + failed_calls, began < $__fromTime) / nullIf(sumIf(spend, began < $__fromTime), 0)),
        ($__toTime, sumIf(failed_runs + loops + failed_calls, began >= $__fromTime) / nullIf(sumIf(spend, began >= $__fromTime), 0))
    ]) AS point
    FROM
    (
        {{waste}}
    )
)
WHERE isNotNull(wasted)
ORDER BY time
