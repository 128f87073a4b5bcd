-- title: Failed steps by agent
-- question: Which share of each agent's steps fails (agents and runs, which contain steps, left out)?
-- unit: percentunit
SELECT
    $__timeInterval(time) AS time,
    agent_name AS agent,
    sum(errors) / sum(steps) AS errors
FROM
(
    SELECT time, agent_name, errors, steps
    FROM window_parts
    WHERE {{scope}}
        AND {{width}}
        AND {{leaves}}
        AND {{in_range}}
)
GROUP BY time, agent
HAVING sum(steps) > 0
ORDER BY time, agent
