-- title: What runs wait for
-- question: On the critical path of an agent's runs, which share is models, tools, other steps and waiting?
SELECT
    agent_name,
    uniqExact(run_id) AS runs,
    sum(critical_llm_ns + critical_tool_ns + critical_other_ns + critical_waiting_ns) / 1e9 AS path_s,
    sum(critical_llm_ns) / 1e9 / nullIf(path_s, 0) AS models_share,
    sum(critical_tool_ns) / 1e9 / nullIf(path_s, 0) AS tools_share,
    sum(critical_other_ns) / 1e9 / nullIf(path_s, 0) AS other_share,
    sum(critical_waiting_ns) / 1e9 / nullIf(path_s, 0) AS waiting_share
FROM run_parts
WHERE namespace = {namespace:String}
    AND time >= {since:DateTime('UTC')}
    AND time < {until:DateTime('UTC')}
    AND isNotNull(critical_llm_ns)
GROUP BY agent_name
HAVING path_s > 0
ORDER BY path_s DESC, agent_name;
