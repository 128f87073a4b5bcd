$__conditionalAll(run_id IN (SELECT run_id FROM agent_steps WHERE namespace = ${namespace:sqlstring} AND {{since_previous}} AND model IN (${model:sqlstring})), $model)
