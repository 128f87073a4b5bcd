SELECT
    agent_name,
    max(time) + toIntervalSecond(any(wide_s)) AS last_time,
    greatest(0, dateDiff('second', last_time, {{until}})) AS still_s,
    arraySort(groupArrayIf(toUnixTimestamp(time), time >= $__fromTime)) AS active,
    if(length(active) < 3, NULL, arrayMax(arrayPopFront(arrayDifference(active)))) AS longest_pause_s,
    multiIf(length(active) = 0, 3, length(active) < 3, 0, still_s >= 900 AND still_s > 2 * longest_pause_s, 2, 1) AS state
FROM
(
    SELECT agent_name, time, any(w.width_s) AS wide_s
    FROM window_parts AS w
    WHERE {{scope}}
        AND {{width}}
        AND {{since_previous}}
        AND {{work}}
    GROUP BY agent_name, time
    HAVING sum(steps) > 0
)
GROUP BY agent_name
