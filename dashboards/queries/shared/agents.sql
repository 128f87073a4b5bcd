namespace = ${namespace:sqlstring}
    AND $__conditionalAll(agent_name IN (${agent:sqlstring}), $agent)
    AND $__conditionalAll(agent_name IN (SELECT arrayJoin(agents) FROM run_parts WHERE namespace = ${namespace:sqlstring} AND {{since_previous}} AND if(team = '', '(none)', team) IN (${team:sqlstring})), $team)
