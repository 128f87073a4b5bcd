-- title: Tools
-- question: Which tools are called how often, by how many agents, and how often do they fail?
SELECT
    tool_name,
    count() AS calls,
    uniqExact(agent_name) AS agents,
    countIf(failed) AS failures,
    failures / calls AS failed_share,
    quantileExact(0.95)(duration_s) AS p95_s
FROM agent_steps
WHERE namespace = {namespace:String}
    AND time >= {since:DateTime('UTC')}
    AND time < {until:DateTime('UTC')}
    AND kind = 'tool'
GROUP BY tool_name
ORDER BY calls DESC, tool_name;
