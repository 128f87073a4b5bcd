-- title: Tools by agent
-- question: Which agent calls which tool, how often, how often in vain, and since when?
-- unit: short
SELECT
    CAST(used.agent_name, 'String') AS agent,
    CAST(used.tool, 'String') AS tool,
    calls,
    errors,
    p95,
    first_seen
FROM
(
    SELECT
        agent_name,
        step_name AS tool,
        sum(counted) AS calls,
        sum(failed) / sum(counted) AS errors,
        max(p95_s) AS p95
    FROM
    (
        SELECT agent_name, step_name, sum(steps) AS counted, sum(errors) AS failed, NULL AS p95_s
        FROM window_parts
        WHERE {{scope}}
            AND {{width}}
            AND {{in_range}}
            AND kind = 'tool'
        GROUP BY agent_name, step_name
        UNION ALL
        SELECT agent_name, step_name, 0 AS counted, 0 AS failed, quantileExactWeighted(0.95)(middle_s, toUInt64(steps)) AS p95_s
        FROM duration_parts
        WHERE {{scope}}
            AND {{width}}
            AND {{in_range}}
            AND kind = 'tool'
        GROUP BY agent_name, step_name
    )
    GROUP BY agent_name, tool
    HAVING calls > 0
) AS used
LEFT JOIN
(
    SELECT agent_name, value AS tool, min(first_time) AS first_seen
    FROM agent_sightings
    WHERE {{agents}}
        AND fact = 'tool'
        AND day <= toDate($__toTime, 'UTC')
    GROUP BY agent_name, tool
) AS known ON known.agent_name = used.agent_name AND known.tool = used.tool
ORDER BY calls DESC, agent, tool
LIMIT 200
