-- title: Budget used
-- question: Which share of the month's budget (the box above, for what is chosen) is spent so far?
-- unit: percentunit
SELECT toFloat64(sum(cost_usd)) / nullIf(toFloat64OrNull(decodeURLComponent('${budget:percentencode}')), 0) AS used
FROM window_parts
WHERE {{scope}}
    AND {{models}}
    AND width_s = 3600
    AND time >= {{month_start}}
    AND time < $__toTime
