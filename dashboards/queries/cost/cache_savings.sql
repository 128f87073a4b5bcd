-- title: Saved by caches
-- question: What would tokens read from the cache have cost beyond, at the price that the same call paid for new ones (calls without such a price left out)?
-- unit: currencyUSD
SELECT
    point.1 AS time,
    point.2 AS saved
FROM
(
    SELECT arrayJoin([
        ($__fromTime, sumIf(saved, time < $__fromTime), countIf(is_known AND time < $__fromTime)),
        ($__toTime, sumIf(saved, time >= $__fromTime), countIf(is_known AND time >= $__fromTime))
    ]) AS point
    FROM
    (
        {{cache_savings}}
            AND {{since_previous}}
    )
)
WHERE point.3 > 0
ORDER BY time
