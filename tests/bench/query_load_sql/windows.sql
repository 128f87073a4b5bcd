INSERT INTO windows
(
    namespace, width_s, window_start, agent_name, agent_version, environment, kind, step_name, model, epoch_start, steps,
    errors, input_tokens, output_tokens, cache_read_input_tokens, cost_usd, unpriced_steps, durations, duration_ns,
    duration_buckets, row_version
)
WITH
    intDiv(ifNull(duration_ns, 0), 1000) AS us,
    toInt32(floor(log2(greatest(us, 1)))) - 5 AS shift
SELECT
    namespace,
    {width_s},
    toDateTime64(toStartOfInterval(time, INTERVAL {width_s} second), 9, 'UTC') AS window_start,
    agent_name,
    agent_version,
    environment,
    kind,
    step_name,
    response_model,
    -- Two chunks may share a window; an epoch of its own keeps one from replacing the other.
    toDateTime64(toStartOfInterval(append_time, INTERVAL 300 second), 9, 'UTC') + toIntervalNanosecond({first}) AS epoch_start,
    count(),
    countIf(error_type != ''),
    sum(ifNull(s.input_tokens, 0)),
    sum(ifNull(s.output_tokens, 0)),
    sum(ifNull(s.cache_read_input_tokens, 0)),
    sum(ifNull(s.cost_usd, 0)),
    0,
    count(),
    sum(ifNull(s.duration_ns, 0)),
    sumMap(map(toInt16(if(us < 32, us, 32 * (shift + 1) + bitShiftRight(us, shift) - 32)), toInt64(1))),
    {version}
FROM steps AS s
WHERE {corrected}
GROUP BY namespace, window_start, agent_name, agent_version, environment, kind, step_name, response_model, epoch_start
