namespace = ${namespace:sqlstring}
    AND $__conditionalAll(if(environment = '', '(none)', environment) IN (${environment:sqlstring}), $environment)
    AND $__conditionalAll(if(team = '', '(none)', team) IN (${team:sqlstring}), $team)
    AND $__conditionalAll((agent_name IN (${agent:sqlstring}) OR hasAny(agents, [${agent:sqlstring}])), $agent)
