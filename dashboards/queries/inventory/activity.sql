-- title: Activity
-- question: When did each agent work, and when did over 5 % of its steps fail (agents and runs left out)?
-- unit: short
SELECT
    $__timeInterval(time) AS time,
    agent_name AS agent,
    if(sum(errors) >= 0.05 * sum(steps), 2, 1) AS state
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
