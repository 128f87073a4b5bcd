-- title: Needs attention
-- question: Which agents have an incident open (of all environments), fail more than they should, spend or take far more than in as long a time before, call models without a price, or fell silent?
-- unit: none
SELECT
    agent,
    what,
    if(severity = 2, 'critical', 'warning') AS severity,
    now_text AS now,
    before_text AS before,
    change,
    last_time AS last_step
FROM
(
    SELECT
        agent,
        last_time,
        found.1 AS what,
        found.2 AS severity,
        found.3 AS now_text,
        found.4 AS before_text,
        found.5 AS change
    FROM
    (
        SELECT
            agent,
            last_time,
            dateDiff('second', last_time, {{until}}) - wide_s AS silent_s,
            arrayJoin(arrayFilter(one -> one.2 > 0, [
                (
                    'error ratio',
                    multiIf(counted < 20, 0, failed / counted >= {{ERROR_RATIO.critical}}, 2, failed / counted >= {{ERROR_RATIO.warning}}, 1, 0),
                    concat(toString(round(100 * failed / counted, 1)), ' %'),
                    if(counted_before = 0, '', concat(toString(round(100 * failed_before / counted_before, 1)), ' %')),
                    if(failed_before = 0, NULL, (failed / counted) / (failed_before / counted_before) - 1)
                ),
                (
                    'spend',
                    multiIf(NOT comparable OR called < 20 OR called_before < 20 OR spent_before = 0, 0, spent / spent_before - 1 >= {{SPEND_CHANGE_RATIO.critical}}, 2, spent / spent_before - 1 >= {{SPEND_CHANGE_RATIO.warning}}, 1, 0),
                    concat(toString(round(spent, 2)), ' USD'),
                    concat(toString(round(spent_before, 2)), ' USD'),
                    if(spent_before = 0, NULL, spent / spent_before - 1)
                ),
                (
                    'mean duration of steps',
                    multiIf(NOT comparable OR timed < 20 OR timed_before < 20, 0, mean_s / mean_before_s - 1 >= {{DURATION_CHANGE_RATIO.critical}}, 2, mean_s / mean_before_s - 1 >= {{DURATION_CHANGE_RATIO.warning}}, 1, 0),
                    concat(toString(round(mean_s, 2)), ' s'),
                    concat(toString(round(mean_before_s, 2)), ' s'),
                    if(timed_before = 0, NULL, mean_s / mean_before_s - 1)
                ),
                (
                    'calls without a price',
                    multiIf(unpriced = 0, 0, unpriced / called >= {{UNPRICED_RATIO.critical}}, 2, unpriced / called >= {{UNPRICED_RATIO.warning}}, 1, 0),
                    toString(unpriced),
                    toString(unpriced_before),
                    if(unpriced_before = 0, NULL, unpriced / unpriced_before - 1)
                ),
                (
                    'silent',
                    multiIf(silent_s >= {{SILENT_S.critical}}, 2, silent_s >= {{SILENT_S.warning}}, 1, 0),
                    concat(toString(intDiv(silent_s, 60)), ' min'),
                    '',
                    NULL
                )
            ])) AS found
        FROM
        (
            SELECT
                agent_name AS agent,
                maxIf(time, is_work AND steps > 0) AS last_time,
                {{width_s}} AS wide_s,
                min(time) < $__fromTime - intDiv({{length_s}}, 2) AS comparable,
                sumIf(steps, is_leaf AND is_now) AS counted,
                sumIf(errors, is_leaf AND is_now) AS failed,
                sumIf(steps, is_leaf AND NOT is_now) AS counted_before,
                sumIf(errors, is_leaf AND NOT is_now) AS failed_before,
                toFloat64(sumIf(cost_usd, is_now)) AS spent,
                toFloat64(sumIf(cost_usd, NOT is_now)) AS spent_before,
                sumIf(durations, is_leaf AND is_now) AS timed,
                sumIf(durations, is_leaf AND NOT is_now) AS timed_before,
                sumIf(duration_ns, is_leaf AND is_now) / 1e9 / timed AS mean_s,
                sumIf(duration_ns, is_leaf AND NOT is_now) / 1e9 / timed_before AS mean_before_s,
                sumIf(steps, kind IN ('llm', 'embedding') AND is_now) AS called,
                sumIf(steps, kind IN ('llm', 'embedding') AND NOT is_now) AS called_before,
                sumIf(unpriced_steps, is_now) AS unpriced,
                sumIf(unpriced_steps, NOT is_now) AS unpriced_before
            FROM
            (
                SELECT *, {{leaves}} AS is_leaf, {{work}} AS is_work, time >= $__fromTime AS is_now
                FROM window_parts
                WHERE {{scope}}
                    AND {{width}}
                    AND {{since_previous}}
                    AND agent_name NOT IN ('', 'unattributed')
            )
            GROUP BY agent
            HAVING sumIf(steps, is_work) > 0
        )
    )
    UNION ALL
    SELECT
        agent_name AS agent,
        opened_time AS last_time,
        concat(signal, ' of ', step_name) AS what,
        if(ifNull(confirmed_time <= $__toTime, false), 2, 1) AS severity,
        if(isNull(current_level), '', toString(round(assumeNotNull(current_level), 3))) AS now_text,
        if(isNull(reference_level), '', toString(round(assumeNotNull(reference_level), 3))) AS before_text,
        current_level / nullIf(reference_level, 0) - 1 AS change
    FROM agent_incidents
    WHERE {{agents}}
        AND state != 'closed'
        AND opened_time < $__toTime
        AND (closed_time IS NULL OR closed_time > $__toTime)
)
ORDER BY severity = 'critical' DESC, agent, what
LIMIT 100
