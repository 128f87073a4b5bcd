SELECT agent_name, toString(agent_version) FROM window_parts WHERE {{scope}} AND {{width}} AND {{in_range}} GROUP BY agent_name, agent_version HAVING sum(steps) > 0
