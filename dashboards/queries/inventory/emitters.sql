-- title: Telemetry of emitters
-- question: How good is what each instrumentation sent in the last two hours of the range, and what should it change (whole namespace)?
-- unit: short
SELECT
    if(scope_name = '', '(unnamed)', scope_name) AS emitter,
    scope_version AS version,
    sum(steps) AS sent,
    sum(calls) AS llm_calls,
    sum(usage_share * calls) / nullIf(sum(calls), 0) AS with_usage,
    min(priced_share) AS priced,
    sum(agent_share * steps) / sum(steps) AS with_agent,
    max(clock_skew_p95_s) AS skew_p95,
    arrayStringConcat(arraySort(groupUniqArrayArray(advice)), '; ') AS advice
FROM telemetry_health_hours
WHERE namespace = decodeURLComponent('${namespace:percentencode}')
    AND hour >= toStartOfHour({{until}} - INTERVAL 1 HOUR)
    AND hour < $__toTime
GROUP BY emitter, version
ORDER BY sent DESC, emitter, version
LIMIT 50
