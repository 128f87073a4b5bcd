-- title: Dead letters by reason
-- question: When do records come that cannot be read, and why can they not (whole namespace)?
-- unit: short
SELECT
    $__timeInterval(time) AS time,
    reason,
    count() AS letters
FROM
(
    SELECT time, reason
    FROM agent_dead_letters
    WHERE namespace = decodeURLComponent('${namespace:percentencode}')
        AND {{in_range}}
)
GROUP BY time, reason
ORDER BY time, reason
