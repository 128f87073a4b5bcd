INSERT INTO readings
(namespace, time, agent_name, step_name, signal, alarm, n, last, statistic, threshold, direction, detector, row_version)
SELECT
    namespace,
    window_start,
    agent_name,
    step_name,
    arrayJoin(if(kind = 'llm', ['duration_s', 'output_tokens', 'cost_usd'], ['duration_s'])) AS signal,
    false,
    sum(w.steps) AS n,
    1.5,
    exp((cityHash64(window_start, agent_name, step_name, signal) % 900) / 100),
    10000,
    '',
    'csr',
    {version}
FROM windows AS w
WHERE namespace = 'live' AND width_s = 60 AND row_version = {version} AND kind IN ('llm', 'tool', 'run')
    AND window_start >= {since}
    AND window_start < {until}
GROUP BY namespace, window_start, agent_name, step_name, kind
