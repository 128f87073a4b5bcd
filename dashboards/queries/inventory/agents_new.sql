-- title: New agents
-- question: How many agents were never seen before the range (in 400 days)?
-- unit: short
SELECT count() AS agents
FROM
(
    SELECT agent_name
    FROM agent_sightings
    WHERE {{sighted}}
        AND fact = 'agent'
        AND day <= toDate($__toTime, 'UTC')
    GROUP BY agent_name
    HAVING min(first_time) >= $__fromTime AND min(first_time) < $__toTime
)
