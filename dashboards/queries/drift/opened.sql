-- title: Alarms over time
-- question: When were alarms raised, and what became of them (all environments)?
-- unit: short
SELECT
    $__timeInterval(time) AS time,
    countIf(state = 'confirmed') AS confirmed,
    countIf(state = 'open') AS open,
    countIf(state = 'closed') AS withdrawn
FROM
(
    SELECT time, state
    FROM agent_incidents
    WHERE {{agents}}
        AND {{by_detectors}}
        AND {{in_range}}
)
GROUP BY time
ORDER BY time
