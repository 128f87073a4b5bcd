-- title: Duration by step
-- question: Which step of which agent is slow, how often does it run, and what does it cost?
-- unit: short
SELECT
    agent_name AS agent,
    step_name AS step,
    sum(counted) AS steps,
    max(p50_s) AS p50,
    max(p95_s) AS p95,
    max(p99_s) AS p99,
    sum(failed) / sum(counted) AS errors,
    if(sum(spent) = 0 AND sum(priceless) > 0, NULL, toFloat64(sum(spent))) AS spend,
    sum(priceless) AS unpriced
FROM
(
    SELECT
        agent_name,
        step_name,
        sum(steps) AS counted,
        sum(errors) AS failed,
        sum(cost_usd) AS spent,
        sum(unpriced_steps) AS priceless,
        NULL AS p50_s,
        NULL AS p95_s,
        NULL AS p99_s
    FROM window_parts
    WHERE {{scope}}
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
        0 AS spent,
        0 AS priceless,
        quantileExactWeighted(0.5)(middle_s, toUInt64(steps)) AS p50_s,
        quantileExactWeighted(0.95)(middle_s, toUInt64(steps)) AS p95_s,
        quantileExactWeighted(0.99)(middle_s, toUInt64(steps)) AS p99_s
    FROM duration_parts
    WHERE {{scope}}
        AND {{width}}
        AND {{leaves}}
        AND {{in_range}}
    GROUP BY agent_name, step_name
)
GROUP BY agent, step
HAVING steps > 0
ORDER BY p95 DESC NULLS LAST, agent, step
LIMIT 100
