SELECT
    agent_name,
    max(seen) AS last_time,
    greatest(0, dateDiff('second', last_time, $__toTime)) AS still_s,
    arraySort(groupUniqArrayArray(starts)) AS active,
    if(length(active) < 3, NULL, arrayMax(arrayPopFront(arrayDifference(active)))) AS longest_pause_s,
    multiIf(length(active) = 0, 3, length(active) < 3, 0, still_s >= 900 AND still_s > 2 * longest_pause_s, 2, 1) AS state
FROM
(
    SELECT
        agent_name,
        max(time) + toIntervalSecond(any(width_s)) AS seen,
        groupUniqArray(toUnixTimestamp(time)) AS starts
    FROM window_parts
    WHERE {{scope}}
        AND {{width}}
        AND $__timeFilter(time)
        AND kind NOT IN ('outcome', 'feedback', 'report')
    GROUP BY agent_name
    UNION ALL
    SELECT
        agent_name,
        max(last_time) + INTERVAL 1 MINUTE AS seen,
        [] AS starts
    FROM agent_sightings
    WHERE {{sighted}}
        AND fact = 'agent'
        AND day >= toDate($__fromTime, 'UTC') - 30
        AND day <= toDate($__toTime, 'UTC')
        AND last_time <= $__toTime
    GROUP BY agent_name
)
GROUP BY agent_name
