-- title: Month so far
-- question: What was spent in the month (UTC) in which the range ends, until then, calls without a price left out?
-- unit: currencyUSD
SELECT {{spend}} AS spend
FROM window_parts
WHERE {{scope}}
    AND {{models}}
    AND width_s = 3600
    AND time >= {{month_start}}
    AND time < $__toTime
