-- title: Silence
-- question: Which agent has been still for longer than it usually is (the longest time from one minute or hour with steps to the next in the range)?
-- unit: short
SELECT
    CAST(agent_name, 'String') AS agent,
    state,
    last_time AS last_seen,
    still_s AS still,
    longest_pause_s AS longest_pause,
    still_s / longest_pause_s AS times
FROM
(
    {{habits}}
)
ORDER BY state IN (2, 3) DESC, still_s DESC, agent
LIMIT 100
