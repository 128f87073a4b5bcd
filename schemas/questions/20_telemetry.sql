-- title: What emitters should change
-- question: How complete is what each instrumentation sends, and what should it change?
SELECT
    scope_name,
    scope_version,
    dialects,
    steps,
    calls,
    usage_share,
    priced_share,
    agent_share,
    advice
FROM telemetry_health
WHERE namespace = {namespace:String}
ORDER BY steps DESC, scope_name, scope_version;
