namespace = decodeURLComponent('${namespace:percentencode}')
    AND $__conditionalAll(has({{chosen.environment}}, if(environment = '', '(none)', environment)), $environment)
    AND $__conditionalAll(has({{chosen.team}}, if(team = '', '(none)', team)), $team)
    AND $__conditionalAll((has({{chosen.agent}}, agent_name) OR hasAny(agents, {{chosen.agent}})), $agent)
