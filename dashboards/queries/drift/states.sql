-- title: Streams
-- question: In which state is each stream, and since when (the twenty with alarms or most evidence; all environments)?
-- unit: short
SELECT
    read.time AS time,
    read.stream AS stream,
    multiIf(
        countIf(state = 'confirmed' AND (confirmed_time IS NULL OR confirmed_time < read.time + toIntervalSecond($__interval_s))) > 0, 4,
        countIf(state IN ('open', 'confirmed')) > 0, 3,
        countIf(state = 'closed') > 0, 2,
        any(greatest_statistic) = 0, 0,
        1
    ) AS state
FROM
(
    SELECT
        $__timeInterval(time) AS time,
        {{stream_name}} AS stream,
        max(r.time) AS last_time,
        max(ifNull(statistic, 0)) AS greatest_statistic
    FROM agent_readings AS r
    WHERE {{agents}}
        AND r.time >= $__fromTime
        AND r.time < $__toTime
        AND stream IN (
            SELECT stream
            FROM
            (
                SELECT {{stream_name}} AS stream, max(ifNull(statistic / threshold, 0)) AS evidence
                FROM agent_readings
                WHERE {{agents}}
                    AND {{in_range}}
                GROUP BY stream
                UNION ALL
                SELECT {{stream_name}} AS stream, 1e6 AS evidence
                FROM agent_incidents
                WHERE {{agents}}
                    AND {{by_detectors}}
                    AND opened_time < $__toTime
                    AND (closed_time IS NULL OR closed_time >= $__fromTime)
            )
            GROUP BY stream
            ORDER BY max(evidence) DESC, stream
            LIMIT 20
        )
    GROUP BY time, stream
) AS read
LEFT JOIN
(
    SELECT {{stream_name}} AS stream, state, opened_time, confirmed_time, ifNull(closed_time, toDateTime64($__toTime, 9, 'UTC')) AS over_time
    FROM agent_incidents
    WHERE {{agents}}
        AND {{by_detectors}}
        AND opened_time < $__toTime
        AND (closed_time IS NULL OR closed_time >= $__fromTime)
) AS told ON told.stream = read.stream
    AND told.opened_time < read.time + toIntervalSecond($__interval_s)
    AND told.over_time >= read.time
GROUP BY time, stream
ORDER BY time, stream
