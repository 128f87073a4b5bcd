-- title: Burn rate
-- question: How much is spent an hour, over the last hour and the last six, against what the month's budget allows (the box above)?
-- unit: currencyUSD
SELECT *
FROM
(
    SELECT
        slot AS time,
        sum(spend) OVER (ORDER BY toUnixTimestamp(slot) RANGE BETWEEN 3599 PRECEDING AND CURRENT ROW) AS `Last hour`,
        sum(spend) OVER (ORDER BY toUnixTimestamp(slot) RANGE BETWEEN 21599 PRECEDING AND CURRENT ROW) / 6 AS `Last six hours`,
        toFloat64OrNull(decodeURLComponent('${budget:percentencode}')) / (24 * toDayOfMonth(toLastDayOfMonth(slot))) AS `Budget`
    FROM
    (
        SELECT
            toStartOfInterval(toDateTime(time), INTERVAL {{slot_s}} second) AS slot,
            toFloat64(sum(cost_usd)) AS spend
        FROM window_parts
        WHERE {{scope}}
            AND {{models}}
            AND {{width}}
            AND time >= $__fromTime - INTERVAL 6 HOUR
            AND time < $__toTime
        GROUP BY slot
        ORDER BY slot ASC WITH FILL TO {{until}} STEP toIntervalSecond({{slot_s}})
    )
)
WHERE time >= $__fromTime
    AND time + INTERVAL {{slot_s}} second <= {{until}}
ORDER BY time
