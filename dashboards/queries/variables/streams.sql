-- title: Stream
-- question: Which streams were read in the range, the one with most evidence of a change first?
-- unit: short
SELECT value, text
FROM
(
    SELECT '(loudest)' AS value, '(most evidence)' AS text, 2. AS place, 0. AS evidence
    UNION ALL
    SELECT
        {{stream_name}} AS value,
        value AS text,
        1. AS place,
        max(ifNull(statistic / threshold, 0)) AS evidence
    FROM agent_readings
    WHERE {{agents}}
        AND {{in_range}}
    GROUP BY agent_name, step_name, signal
)
ORDER BY place DESC, evidence DESC, text
LIMIT 500
