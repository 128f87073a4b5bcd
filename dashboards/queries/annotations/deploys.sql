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
        AND $__conditionalAll(if(detail = '', '(none)', detail) IN (${environment:sqlstring}), $environment)
        AND fact = 'version'
        AND day <= toDate($__toTime, 'UTC')
    GROUP BY agent_name, agent_version
    HAVING sum(steps) > 0
)
WHERE first_time > agent_first_time
    AND first_time >= $__fromTime
    AND first_time <= $__toTime
ORDER BY time
LIMIT 500
