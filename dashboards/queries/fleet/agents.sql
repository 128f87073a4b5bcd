-- title: Active agents
-- question: How many agents did anything, and how many in as long a time before?
-- unit: short
SELECT
    point.1 AS time,
    point.2 AS agents
FROM
(
    SELECT arrayJoin([
        ($__fromTime, uniqExactIf(agent_name, time < $__fromTime)),
        ($__toTime, uniqExactIf(agent_name, time >= $__fromTime))
    ]) AS point
    FROM window_parts
    WHERE {{scope}}
        AND {{width}}
        AND {{since_previous}}
        AND agent_name NOT IN ('', 'unattributed')
)
WHERE time = $__toTime OR agents > 0
ORDER BY time
