(
    SELECT window_start
    FROM windows
    WHERE namespace = decodeURLComponent('${namespace:percentencode}')
        AND width_s = 3600
        AND window_start >= $__fromTime - {{length_s}}
        AND window_start < $__toTime
    ORDER BY namespace, width_s, window_start
    LIMIT 1
)
