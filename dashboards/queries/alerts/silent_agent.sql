-- title: Silent agents
-- question: How long has an agent been silent, against the longest that its own rhythm explains at this time of the day and the week?
-- unit: short
-- Times are counted in epochs of five minutes, in which windows are summed up: they are those of the arrival, so that
-- telemetry which always comes late is late in the habit, too. Hours have twelve rows where minutes have sixty.
SELECT
    if(is_quiet AND together > 1, 'all agents', CAST(agent_name, 'String')) AS agent,
    max(times) AS times_usual
FROM
(
    SELECT
        agent_name,
        times,
        -- Nobody was heard for ten minutes: those who fell silent within the hour before did so together.
        $__toTime - toIntervalSecond(600) > toDateTime(newest * 300, 'UTC') AND last >= newest - 12 AS is_quiet,
        countIf(last >= newest - 12) OVER () AS together
    FROM
    (
        SELECT
            agent_name,
            last,
            newest,
            toUnixTimestamp($__toTime) / 300 - last AS still,
            -- Where the week has rests at this time: an hour after the last of them was over, by five days of seven and by
            -- the same day of last week. Rests that begin and end at no fixed time: twice the longest.
            multiIf(
                empty(rests), first_due,
                notEmpty(usual) AND usual[-1] - usual[1] <= 0.1 * (usual[-1] - last) + 2, greatest(usual[-1], same_day),
                greatest(first_due, last + 2 * arrayMax(arrayMap(rest -> rest.2 - rest.1, rests)))
            ) - last AS allowed,
            still / allowed AS times
        FROM
        (
            SELECT
                *,
                arrayFilter(day -> heard[1] <= last - 288 * day, range(1, 8)) AS days,
                arrayMap(
                    day -> arrayMax(arrayPushBack(
                        arrayMap(
                            rest -> rest.2 + 288 * day + 12,
                            arrayFilter(rest -> rest.1 < first_due - 288 * day + 12 AND rest.2 > first_due - 288 * day - 12, rests)
                        ),
                        first_due
                    )),
                    days
                ) AS due_by_day,
                arrayResize(arraySort(due_by_day), length(days) - intDiv(2 * length(days), 7)) AS usual,
                if(has(days, 7), due_by_day[7], first_due) AS same_day
            FROM
            (
                SELECT
                    *,
                    arrayFilter(pause -> pause.2 - pause.1 >= rest_length, pauses) AS rests,
                    -- Short pauses that touch four hours around this time of any of the last eight days.
                    arrayMax(arrayPushBack(
                        arrayMap(
                            pause -> pause.2 - pause.1,
                            arrayFilter(
                                pause -> pause.2 - pause.1 < rest_length AND arrayExists(day -> pause.1 <= last - 288 * day + 24 AND pause.2 >= last - 288 * day - 24, range(8)),
                                pauses
                            )
                        ),
                        1
                    )) AS short_pause,
                    last + 2 * short_pause AS first_due
                FROM
                (
                    SELECT
                        agent_name,
                        heard,
                        last,
                        newest,
                        arrayFilter(
                            pause -> pause.2 > pause.1,
                            arrayZip(arrayMap(epoch -> epoch + 1, arrayPopBack(heard)), arrayPopFront(heard))
                        ) AS pauses,
                        arraySort(arrayMap(pause -> pause.2 - pause.1, pauses)) AS lengths,
                        -- The shortest that is three hours at least, and three times as long as the one before it.
                        arrayFirst(
                            place -> lengths[place] >= 36 AND lengths[place] >= 3 * if(place = 1, 0, lengths[place - 1]),
                            arrayEnumerate(lengths)
                        ) AS first_rest,
                        if(first_rest = 0, 100000, lengths[first_rest]) AS rest_length
                    FROM
                    (
                        SELECT
                            agent_name,
                            arraySort(groupUniqArray(toInt64(intDiv(toUnixTimestamp(epoch_start), 300)))) AS epochs,
                            epochs[-1] + 1 AS last,
                            max(last) OVER () AS newest,
                            -- A week, and the rest that it may begin with.
                            arrayFilter(epoch -> epoch >= last - 2880, epochs) AS heard
                        FROM windows
                        WHERE namespace = {namespace}
                            AND width_s = 3600
                            AND window_start >= $__fromTime
                            AND window_start < $__toTime
                            AND {{work}}
                            AND steps > 0
                        GROUP BY agent_name
                    )
                    WHERE agent_name != ''
                        AND length(arrayDistinct(arrayMap(epoch -> intDiv(epoch, 12), heard))) >= 6
                        AND last >= toUnixTimestamp($__toTime) / 300 - 2304
                )
            )
        )
    )
    WHERE times >= {recovers_below}
)
GROUP BY agent
ORDER BY agent
