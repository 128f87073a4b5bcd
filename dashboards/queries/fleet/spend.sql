-- title: Spend
-- question: What did all calls with a known price cost, and how does that compare with as long a time before?
-- unit: currencyUSD
SELECT
    point.1 AS time,
    point.2 AS spend
FROM
(
    SELECT arrayJoin([
        ($__fromTime, if(sumIf(cost_usd, time < $__fromTime) = 0 AND sumIf(unpriced_steps, time < $__fromTime) > 0, NULL, toFloat64(sumIf(cost_usd, time < $__fromTime)))),
        ($__toTime, if(sumIf(cost_usd, time >= $__fromTime) = 0 AND sumIf(unpriced_steps, time >= $__fromTime) > 0, NULL, toFloat64(sumIf(cost_usd, time >= $__fromTime))))
    ]) AS point
    FROM window_parts
    WHERE {{scope}}
        AND {{width}}
        AND {{since_previous}}
)
WHERE time = $__toTime OR spend > 0
ORDER BY time
