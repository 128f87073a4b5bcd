-- title: Versions
-- question: What changed from version to version: cost of a step, failures, durations?
SELECT
    agent_name,
    agent_version,
    min(w.time) AS first_seen,
    sum(w.steps) AS counted,
    sum(w.errors) / counted AS failed_share,
    toFloat64(sum(w.cost_usd)) / counted AS usd_a_step,
    sum(w.output_tokens) / counted AS tokens_out_a_step,
    sum(w.duration_ns) / 1e9 / nullIf(sum(w.durations), 0) AS mean_s
FROM agent_hours AS w
WHERE namespace = {namespace:String}
    AND time >= toStartOfHour({since:DateTime('UTC')})
    AND time < {until:DateTime('UTC')}
    AND kind NOT IN ('agent', 'run', 'outcome', 'feedback', 'report')
GROUP BY agent_name, agent_version
HAVING counted > 0
ORDER BY agent_name, first_seen, agent_version;
