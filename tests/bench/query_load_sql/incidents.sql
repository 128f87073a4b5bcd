INSERT INTO incidents
(
    namespace, incident_id, opened_time, closed_time, state, agent_name, step_name, signal, detector, direction, n,
    statistic, threshold, reference_level, current_level, summary, row_version
)
SELECT
    'live',
    concat('incident-', toString({first} + number)),
    fromUnixTimestamp64Nano({start_ns} + toInt64(({first} + intDiv({count} * number, 80)) * {spacing_ns}), 'UTC') AS opened,
    if(number % 10 = 0, NULL, opened + INTERVAL 10 MINUTE),
    ['open', 'confirmed', 'closed'][if({version} = 1, 1, number % 3 + 1)],
    concat('agent-', leftPad(toString(number % {agents}), 2, '0')),
    ['plan', 'search', 'answer'][number % 3 + 1],
    ['duration_s', 'output_tokens', 'cost_usd'][intDiv(number, 3) % 3 + 1],
    'csr',
    'up',
    1000,
    20000,
    10000,
    1.5,
    2.5,
    'duration_s rose',
    {version}
FROM numbers(80)
