$__conditionalAll(run_id IN (SELECT run_id FROM agent_steps WHERE namespace = decodeURLComponent('${namespace:percentencode}') AND {{since_previous}} AND has({{chosen.model}}, model)), $model)
