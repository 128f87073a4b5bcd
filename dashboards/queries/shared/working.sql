SELECT agent_name FROM window_parts WHERE {{scope}} AND {{width}} AND $__timeFilter(time) GROUP BY agent_name HAVING sum(steps) > 0
