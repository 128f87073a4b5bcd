-- title: Withdrawn : allowed
-- question: How many alarms were withdrawn for each one that the thresholds allow at most (observations of the range by threshold, added over streams; all environments)?
-- unit: none
SELECT
    (
        SELECT count()
        FROM agent_incidents
        WHERE {{agents}}
            AND {{by_detectors}}
            AND state = 'closed'
            AND {{in_range}}
    ) / nullIf(sum(allowed), 0) AS ratio
FROM
(
    SELECT (max(n) - min(n) + 1) / max(threshold) AS allowed
    FROM agent_readings
    WHERE {{agents}}
        AND {{in_range}}
        AND threshold > 0
    GROUP BY agent_name, step_name, signal
)
