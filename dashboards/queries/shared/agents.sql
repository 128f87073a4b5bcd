namespace = decodeURLComponent('${namespace:percentencode}')
    AND $__conditionalAll(has({{chosen.agent}}, agent_name), $agent)
    AND $__conditionalAll(agent_name IN (SELECT arrayJoin(agents) FROM run_parts WHERE namespace = decodeURLComponent('${namespace:percentencode}') AND {{since_previous}} AND has({{chosen.team}}, if(team = '', '(none)', team))), $team)
