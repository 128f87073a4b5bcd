-- title: Level of the stream
-- question: Where is the chosen stream (the last value of each minute, in the signal's unit), and where were 5 %, half and 95 % of such values before its last change (without one: in as long a time before the range; all environments)?
-- unit: short
SELECT
    $__timeInterval(time) AS time,
    avg(last) AS level,
    any(before[1]) AS `5 % before`,
    any(before[2]) AS `half before`,
    any(before[3]) AS `95 % before`
FROM
(
    SELECT
        time,
        last,
        (
            SELECT quantilesExact(0.05, 0.5, 0.95)(assumeNotNull(last))
            FROM agent_readings
            WHERE {{agents}}
                AND {{stream}}
                AND {{since_previous}}
                AND time < {{cut}}
                AND NOT alarm
                AND isNotNull(last)
        ) AS before
    FROM agent_readings
    WHERE {{agents}}
        AND {{stream}}
        AND {{in_range}}
        AND NOT alarm
        AND isNotNull(last)
)
GROUP BY time
ORDER BY time
