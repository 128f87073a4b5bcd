-- title: Spend
-- question: What did the runs that match cost in all, calls without a price left out?
-- unit: currencyUSD
SELECT
    point.1 AS time,
    point.2 AS spend
FROM
(
    SELECT arrayJoin([
        ($__fromTime, if(sumIf(cost, began < $__fromTime) = 0 AND sumIf(unpriced, began < $__fromTime) > 0, NULL, toFloat64(sumIf(cost, began < $__fromTime)))),
        ($__toTime, if(sumIf(cost, began >= $__fromTime) = 0 AND sumIf(unpriced, began >= $__fromTime) > 0, NULL, toFloat64(sumIf(cost, began >= $__fromTime))))
    ]) AS point
    FROM
    (
        {{matching_runs}}
            AND {{since_previous}}
        GROUP BY run_id
        HAVING {{run_limits}}
    )
)
WHERE time = $__toTime OR spend > 0
ORDER BY time
