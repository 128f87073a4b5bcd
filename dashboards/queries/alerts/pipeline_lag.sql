-- title: Pipeline lag
-- question: How far behind is the newest minute of traffic that was stored in the range, while storing goes on?
-- unit: s
SELECT greatest(0, dateDiff('second', max(time) + 60, $__toTime)) AS lag_s
FROM stored_minutes
WHERE namespace = {namespace}
    AND stored_time >= $__fromTime
    AND time >= $__toTime - 86400
    AND time <= $__toTime
HAVING count() > 0
