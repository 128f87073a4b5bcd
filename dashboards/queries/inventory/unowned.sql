-- title: Shadow agents
-- question: Which agents belong to nobody, and what would have to be sent so that they do?
-- unit: short
SELECT
    CAST(agent_name, 'String') AS agent,
    missing,
    arrayStringConcat(teams, ', ') AS team,
    last_seen,
    steps,
    spend,
    unpriced
FROM
(
    {{owners}}
) AS owned
LEFT JOIN
(
    SELECT
        agent_name,
        sum(steps) AS steps,
        {{spend}} AS spend,
        sum(unpriced_steps) AS unpriced
    FROM window_parts
    WHERE {{scope}}
        AND {{width}}
        AND {{in_range}}
    GROUP BY agent_name
) AS did ON did.agent_name = owned.agent_name
WHERE missing != ''
ORDER BY spend DESC NULLS LAST, agent
LIMIT 100
