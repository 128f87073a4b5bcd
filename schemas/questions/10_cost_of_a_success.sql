-- title: Cost of a success
-- question: What does one successful run cost, failures included, by agent, version and task?
SELECT
    agent_name,
    agent_version,
    task,
    runs,
    successes,
    cost_usd AS spent_usd,
    cost_per_success_usd,
    runs_without_outcome
FROM agent_outcome_costs
WHERE namespace = {namespace:String}
    AND runs > 0
ORDER BY cost_per_success_usd DESC NULLS FIRST, agent_name, agent_version, task;
