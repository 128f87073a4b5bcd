concat(agent_name, ' · ', step_name, ' · ', signal)
