SELECT agent_name FROM window_parts WHERE {{scope}} AND {{width}} AND {{in_range}} GROUP BY agent_name HAVING sum(steps) > 0
