-- title: New versions
-- question: How many versions of agents were never seen before the range (in 400 days)?
-- unit: short
SELECT count() AS versions
FROM
(
    SELECT agent_name, value AS agent_version
    FROM agent_sightings
    WHERE {{agents}}
        AND fact = 'version'
        AND day <= toDate($__toTime, 'UTC')
    GROUP BY agent_name, agent_version
    HAVING min(first_time) >= $__fromTime AND min(first_time) < $__toTime
)
WHERE (agent_name, agent_version) IN ({{working_versions}})
