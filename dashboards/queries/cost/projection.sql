-- title: Month, projected
-- question: What will that month cost if what is left of it goes on like the seven days before the day (UTC) in which the range ends?
-- unit: currencyUSD
SELECT
    if(sum(cost_usd) = 0, NULL,
        toFloat64(sumIf(cost_usd, time >= {{month_start}}))
        + dateDiff('second', {{until}}, addMonths({{month_start}}, 1)) / 86400
        * toFloat64(sumIf(cost_usd, time >= {{day_start}} - INTERVAL 7 DAY AND time < {{day_start}})) / 7
    ) AS spend
FROM window_parts
WHERE {{scope}}
    AND {{models}}
    AND width_s = 3600
    AND time >= least({{month_start}}, {{day_start}} - INTERVAL 7 DAY)
    AND time < $__toTime
