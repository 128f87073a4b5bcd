namespace = ${namespace:sqlstring}
    AND $__conditionalAll(agent_name IN (${agent:sqlstring}), $agent)
