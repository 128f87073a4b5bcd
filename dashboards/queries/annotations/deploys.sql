-- title: Deploys
-- question: When was a version of an agent seen first, that had another one before?
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
        agent_version,
        min(time) AS first_time,
        min(first_time) OVER (PARTITION BY agent_name) AS agent_first_time
    FROM window_parts
    WHERE {{scope}}
        AND {{width}}
        AND {{since_previous}}
        AND agent_version != ''
    GROUP BY agent_name, agent_version
    HAVING sum(steps) > 0
)
WHERE first_time > agent_first_time
    AND first_time >= $__fromTime
ORDER BY time
LIMIT 500
