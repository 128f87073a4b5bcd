-- title: Deploys
-- question: When was a version of an agent seen first (in 400 days, to the minute), that had another one before?
-- unit: short
SELECT
    first_time AS time,
    concat(agent_name, ' ', agent_version) AS title,
    concat(agent_name, ': version ', agent_version, ' seen first') AS text,
    concat('deploy,', agent_name) AS tags
FROM
(
    SELECT
        agent_name,
        value AS agent_version,
        min(s.first_time) AS first_time,
        min(first_time) OVER (PARTITION BY agent_name) AS agent_first_time
    FROM agent_sightings AS s
    WHERE {{agents}}
        AND fact = 'version'
        AND day <= toDate($__toTime, 'UTC')
    GROUP BY agent_name, agent_version
)
WHERE first_time > agent_first_time
    AND first_time >= $__fromTime
    AND first_time < $__toTime
    AND (agent_name, agent_version) IN ({{working_versions}})
ORDER BY time
LIMIT 500
