SELECT agent_name, toString(agent_version) FROM window_parts WHERE {{scope}} AND {{width}} AND $__timeFilter(time) GROUP BY agent_name, agent_version HAVING sum(steps) > 0
