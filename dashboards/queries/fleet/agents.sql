-- title: Active agents
-- question: How many agents did anything, and how many in as long a time before?
-- unit: short
SELECT
    point.1 AS time,
    point.2 AS agents
FROM
(
    SELECT arrayJoin([
        ($__fromTime, countIf(steps_before > 0)),
        ($__toTime, countIf(steps_now > 0))
    ]) AS point
    FROM
    (
        SELECT
            sumIf(steps, time < $__fromTime) AS steps_before,
            sumIf(steps, time >= $__fromTime) AS steps_now
        FROM window_parts
        WHERE {{scope}}
            AND {{width}}
            AND {{since_previous}}
            AND agent_name NOT IN ('', 'unattributed')
        GROUP BY agent_name
    )
)
WHERE time = $__toTime OR agents > 0
ORDER BY time
