{{agents}}
    AND $__conditionalAll(agent_name IN (SELECT agent_name FROM agent_windows WHERE {{scope}} AND {{width}} AND $__timeFilter(time)), $environment)
