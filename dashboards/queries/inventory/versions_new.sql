-- title: New versions
-- question: How many versions of agents were never seen before the range (in 400 days)?
-- unit: short
SELECT count() AS versions
FROM
(
    SELECT agent_name, value
    FROM agent_sightings
    WHERE {{sighted}}
        AND fact = 'version'
        AND day <= toDate($__toTime, 'UTC')
    GROUP BY agent_name, value
    HAVING min(first_time) >= $__fromTime AND min(first_time) <= $__toTime
)
