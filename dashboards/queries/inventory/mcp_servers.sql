-- title: MCP servers
-- question: Which MCP servers are called, by which agents, with which methods and tools (all environments, all teams)?
-- unit: short
SELECT
    if(server_address = '', '(unnamed)', server_address) AS server,
    arrayStringConcat(arraySort(groupUniqArrayIf(20)(toString(agent_name), agent_name != '')), ', ') AS agents,
    arrayStringConcat(arraySort(groupUniqArray(20)(toString(mcp_method_name))), ', ') AS methods,
    arrayStringConcat(arraySort(groupUniqArrayIf(20)(toString(tool_name), tool_name != '')), ', ') AS tools,
    max(time) AS last_seen
FROM step_labels
WHERE namespace = decodeURLComponent('${namespace:percentencode}')
    AND $__conditionalAll(has({{chosen.agent}}, agent_name), $agent)
    AND {{in_range}}
    AND mcp_method_name != ''
GROUP BY server
ORDER BY last_seen DESC, server
LIMIT 100
