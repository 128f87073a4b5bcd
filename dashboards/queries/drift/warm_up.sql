-- title: Detectors by stream
-- question: Which streams are still learning, and how much evidence and how many observations has each (all environments)?
-- unit: short
SELECT
    CAST(agent_name, 'String') AS agent,
    CAST(step_name, 'String') AS step,
    CAST(signal, 'String') AS signal,
    argMax(detector, (time, n)) AS detector,
    multiIf(argMax(statistic, (time, n)) = 0, 'learning', argMax(threshold, (time, n)) < max(threshold), 'alarm open', 'watching') AS state,
    max(n) AS observations,
    max(n) - min(n) AS in_range,
    argMax(statistic / threshold, (time, n)) AS evidence,
    max(statistic / threshold) AS greatest_evidence,
    argMax(last, (time, n)) AS last_value,
    max(time) AS last_seen
FROM agent_readings
WHERE {{agents}}
    AND {{in_range}}
GROUP BY agent, step, signal
ORDER BY greatest_evidence DESC, agent, step, signal
LIMIT 300
