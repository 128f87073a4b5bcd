-- title: Impossible times
-- question: How many steps arrived in the range whose start is before 2020 or over a day after its append, and which stand in 1970 therefore (whole namespace)?
-- unit: short
SELECT count() AS steps
FROM agent_steps
WHERE namespace = decodeURLComponent('${namespace:percentencode}')
    AND time = toDateTime64(0, 9, 'UTC')
    AND append_time >= $__fromTime
    AND append_time < $__toTime
