-- title: Steps
-- question: Which step of which agent is slow, how often does it run, how much of the time does it take, and how often does it fail?
-- unit: short
SELECT
    agent_name AS agent,
    step_name AS step,
    sum(counted) AS steps,
    max(p50_s) AS p50,
    max(p95_s) AS p95,
    max(p99_s) AS p99,
    sum(total_s) AS total,
    sum(failed) / sum(counted) AS errors
FROM
(
    SELECT
        agent_name,
        step_name,
        sum(steps) AS counted,
        sum(errors) AS failed,
        sum(duration_ns) / 1e9 AS total_s,
        NULL AS p50_s,
        NULL AS p95_s,
        NULL AS p99_s
    FROM window_parts
    WHERE {{scope}}
        AND {{models}}
        AND {{width}}
        AND {{leaves}}
        AND {{in_range}}
    GROUP BY agent_name, step_name
    UNION ALL
    SELECT
        agent_name,
        step_name,
        0 AS counted,
        0 AS failed,
        0 AS total_s,
        quantileExactWeighted(0.5)(middle_s, toUInt64(steps)) AS p50_s,
        quantileExactWeighted(0.95)(middle_s, toUInt64(steps)) AS p95_s,
        quantileExactWeighted(0.99)(middle_s, toUInt64(steps)) AS p99_s
    FROM duration_parts
    WHERE {{scope}}
        AND {{models}}
        AND {{width}}
        AND {{leaves}}
        AND {{in_range}}
    GROUP BY agent_name, step_name
)
GROUP BY agent, step
HAVING steps > 0
ORDER BY total DESC, agent, step
LIMIT 200
