-- title: Errors by sort
-- question: How many steps failed by a rate limit, a timeout, a provider's fault (5xx, overload, connection) or otherwise, by the error that was told?
-- unit: short
SELECT
    $__timeInterval(time) AS time,
    countIf(sort = 'rate limit') AS `Rate limit`,
    countIf(sort = 'timeout') AS `Timeout`,
    countIf(sort = 'provider') AS `Provider`,
    countIf(sort = 'other') AS `Other`
FROM
(
    SELECT time, {{sort_of_error}} AS sort
    FROM agent_steps
    WHERE {{scope}}
        AND {{models}}
        AND {{in_range}}
        AND {{leaves}}
        AND error_type != ''
)
GROUP BY time
ORDER BY time
