-- title: Silent agents
-- question: How long has an agent been silent, against half as much again as the longest silence that is usual for it?
-- unit: short
SELECT
    CAST(agent_name, 'String') AS agent,
    dateDiff('second', last_time, $__toTime) / (longest_s * 1.5) AS times_usual
FROM
(
    SELECT
        agent_name,
        max(time) AS last_time,
        arraySort(groupUniqArray(toUnixTimestamp(toStartOfHour(time)))) AS hours,
        arrayMax(arrayDifference(hours)) AS longest_s,
        length(hours) AS active_hours
    FROM
    (
        SELECT agent_name, time
        FROM window_parts
        WHERE namespace = {namespace}
            AND width_s = 3600
            AND $__timeFilter(time)
        UNION ALL
        SELECT agent_name, time
        FROM window_parts
        WHERE namespace = {namespace}
            AND width_s = 60
            AND time >= $__toTime - 21600
            AND time <= $__toTime
    )
    WHERE agent_name != ''
    GROUP BY agent_name
)
WHERE active_hours >= 6 AND times_usual >= {recovers_below}
ORDER BY agent
