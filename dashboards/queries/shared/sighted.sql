{{agents}}
    AND agent_name IN ({{working}})
