namespace = ${namespace:sqlstring}
    AND $__conditionalAll(if(environment = '', '(none)', environment) IN (${environment:sqlstring}), $environment)
    AND $__conditionalAll(agent_name IN (${agent:sqlstring}), $agent)
