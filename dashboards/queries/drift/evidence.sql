-- title: Evidence of change
-- question: How near to its threshold is each stream's evidence (the twelve that came nearest; 1 raises an alarm, or confirms one; all environments)?
-- unit: none
SELECT
    $__timeInterval(time) AS time,
    stream,
    max(evidence) AS evidence
FROM
(
    SELECT time, {{stream_name}} AS stream, statistic / threshold AS evidence
    FROM agent_readings
    WHERE {{agents}}
        AND {{in_range}}
        AND threshold > 0
        AND (agent_name, step_name, signal) IN (
            SELECT agent_name, step_name, signal
            FROM agent_readings
            WHERE {{agents}}
                AND {{in_range}}
                AND threshold > 0
            GROUP BY agent_name, step_name, signal
            ORDER BY max(statistic / threshold) DESC, agent_name, step_name, signal
            LIMIT 12
        )
)
GROUP BY time, stream
ORDER BY time, stream
