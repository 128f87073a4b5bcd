-- title: Health of agents
-- question: How were the twenty busiest agents, bucket by bucket: quiet, well, failing (three steps at least), or with an incident open (of all environments; false alarms left out)?
-- unit: none
SELECT
    time,
    agent,
    multiIf(
        arrayExists(one -> one.1 < time + INTERVAL {{lane_s}} second AND one.2 >= time, spans), 4,
        counted = 0, 0,
        failed >= 3 AND failed / counted >= {{ERROR_RATIO.critical}}, 3,
        failed >= 1 AND failed / counted >= {{ERROR_RATIO.warning}}, 2,
        1
    ) AS health
FROM
(
    SELECT
        agent,
        arrayJoin(buckets) AS bucket,
        bucket.1 AS time,
        bucket.2 AS counted,
        bucket.3 AS failed
    FROM
    (
        SELECT
            agent,
            arrayMap(
                start -> (start, sum_by_start[start].1, sum_by_start[start].2),
                arrayFilter(
                    start -> start + INTERVAL {{lane_s}} second <= {{until}},
                    arrayMap(
                        place -> toStartOfInterval($__fromTime, INTERVAL {{lane_s}} second) + toIntervalSecond(place * {{lane_s}}),
                        range(toUInt64({{length_s}} / {{lane_s}}) + 1)
                    )
                )
            ) AS buckets
        FROM
        (
            SELECT
                agent,
                mapFromArrays(groupArray(start), groupArray((counted, failed))) AS sum_by_start
            FROM
            (
                SELECT
                    agent_name AS agent,
                    toStartOfInterval(toDateTime(time), INTERVAL {{lane_s}} second) AS start,
                    toInt64(sumIf(steps, {{leaves}})) AS counted,
                    toInt64(sumIf(errors, {{leaves}})) AS failed
                FROM window_parts
                WHERE {{scope}}
                    AND {{width}}
                    AND {{in_range}}
                    AND agent_name NOT IN ('', 'unattributed')
                GROUP BY agent, start
            )
            GROUP BY agent
            ORDER BY sum(counted) DESC, agent
            LIMIT 20
        )
    )
) AS seen
LEFT JOIN
(
    SELECT
        agent_name,
        groupArray((opened_time, ifNull(closed_time, toDateTime64($__toTime, 9, 'UTC')))) AS spans
    FROM agent_incidents
    WHERE {{agents}}
        AND state != 'closed'
        AND opened_time < $__toTime
        AND (closed_time IS NULL OR closed_time >= $__fromTime)
    GROUP BY agent_name
) AS told ON told.agent_name = seen.agent
ORDER BY time, agent
