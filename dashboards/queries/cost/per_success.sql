-- title: Cost of a success
-- question: What does a run that succeeded cost, with all that was spent on those that did not (all models of a run; runs that told no outcome left out)?
-- unit: currencyUSD
SELECT
    point.1 AS time,
    point.2 AS spend
FROM
(
    SELECT arrayJoin([
        ($__fromTime, toFloat64(sumIf(cost, began < $__fromTime)) / nullIf(countIf(told_success AND began < $__fromTime), 0)),
        ($__toTime, toFloat64(sumIf(cost, began >= $__fromTime)) / nullIf(countIf(told_success AND began >= $__fromTime), 0))
    ]) AS point
    FROM
    (
        {{whole_runs}}
            AND {{since_previous}}
        GROUP BY run_id
        HAVING isNotNull(told_success)
    )
)
WHERE time = $__toTime OR spend > 0
ORDER BY time
