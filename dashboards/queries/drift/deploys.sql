-- title: Deploys and what followed
-- question: Which versions were seen first in the range (the agent had another before), and which changes opened within an hour of it?
-- unit: short
SELECT
    deployed,
    CAST(version.agent_name, 'String') AS agent,
    version.agent_version AS version,
    countIf(found = 1 AND opened_time >= deployed AND opened_time <= deployed + INTERVAL 1 HOUR) AS incidents,
    if(incidents = 0, NULL, minIf(dateDiff('second', deployed, opened_time), found = 1 AND opened_time >= deployed)) AS first_after,
    if(incidents = 0, '', argMinIf(summary, opened_time, found = 1 AND opened_time >= deployed)) AS first_incident
FROM
(
    SELECT
        agent_name,
        value AS agent_version,
        min(first_time) AS deployed,
        min(deployed) OVER (PARTITION BY agent_name) AS agent_seen
    FROM agent_sightings
    WHERE {{agents}}
        AND fact = 'version'
        AND day <= toDate($__toTime, 'UTC')
    GROUP BY agent_name, agent_version
) AS version
LEFT JOIN
(
    SELECT agent_name, opened_time, summary, 1 AS found
    FROM agent_incidents
    WHERE {{agents}}
        AND state != 'closed'
        AND time >= $__fromTime
        AND time < $__toTime + INTERVAL 1 HOUR
) AS incident ON incident.agent_name = version.agent_name
WHERE (version.agent_name, version.agent_version) IN ({{working_versions}})
    AND deployed > agent_seen
    AND deployed >= $__fromTime
    AND deployed < $__toTime
GROUP BY deployed, agent, version
ORDER BY deployed DESC, agent, version
LIMIT 100
