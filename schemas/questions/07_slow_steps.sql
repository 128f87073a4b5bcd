-- title: Slow steps
-- question: Which step of which agent is slow: half, 95 % and 99 % of its calls take at most how long?
SELECT
    agent_name,
    step_name,
    sum(steps) AS counted,
    quantileExactWeighted(0.5)(middle_s, steps) AS p50_s,
    quantileExactWeighted(0.95)(middle_s, steps) AS p95_s,
    quantileExactWeighted(0.99)(middle_s, steps) AS p99_s
FROM agent_durations
WHERE namespace = {namespace:String}
    AND width_s = 3600
    AND time >= toStartOfHour({since:DateTime('UTC')})
    AND time < {until:DateTime('UTC')}
    AND kind NOT IN ('agent', 'run', 'outcome', 'feedback', 'report')
GROUP BY agent_name, step_name
ORDER BY p95_s DESC, agent_name, step_name
LIMIT 50;
