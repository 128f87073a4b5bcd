-- title: Version adoption
-- question: Which version does how much of the work, and since when (the twelve with most steps)?
-- unit: short
SELECT
    $__timeInterval(time) AS time,
    if(version IN (
        SELECT concat(agent_name, ' ', agent_version)
        FROM window_parts
        WHERE {{scope}}
            AND {{width}}
            AND {{in_range}}
        GROUP BY agent_name, agent_version
        ORDER BY sum(steps) DESC
        LIMIT 12
    ), version, 'others') AS version,
    sum(steps) AS steps
FROM
(
    SELECT time, concat(agent_name, ' ', if(agent_version = '', '(none)', agent_version)) AS version, steps
    FROM window_parts
    WHERE {{scope}}
        AND {{width}}
        AND {{in_range}}
)
GROUP BY time, version
HAVING steps > 0
ORDER BY time, version
