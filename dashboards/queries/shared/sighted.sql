{{agents}}
    AND $__conditionalAll(agent_name IN (SELECT agent_name FROM window_parts WHERE {{scope}} AND {{width}} AND $__timeFilter(time)), $environment)
