-- title: Budget burn
-- question: How many times faster than its month's budget allows does an agent spend, over the whole range and over its last twelfth, whichever is less?
-- unit: short
SELECT
    if(agent_name = '', 'unattributed', CAST(agent_name, 'String')) AS agent,
    least(spent_usd / seconds, spent_last_usd / seconds * 12) * 86400 * 30 / {month_usd} AS burn
FROM
(
    SELECT
        agent_name,
        dateDiff('second', $__fromTime, $__toTime) AS seconds,
        toFloat64(sum(cost_usd)) AS spent_usd,
        toFloat64(sumIf(cost_usd, time >= $__toTime - intDiv(dateDiff('second', $__fromTime, $__toTime), 12))) AS spent_last_usd
    FROM window_parts
    WHERE namespace = {namespace}
        AND width_s = 60
        AND {{in_range}}
    GROUP BY agent_name
)
WHERE burn >= {recovers_below}
ORDER BY agent
