-- What is known of one step? `step` is its event id, or the id of its span in an OpenTelemetry trace.
SELECT
    event_id,
    CAST(kind, 'String') AS kind,
    CAST(step_name, 'String') AS step_name,
    CAST(agent_name, 'String') AS agent_name,
    CAST(model, 'String') AS model,
    CAST(provider_name, 'String') AS provider_name,
    start_time,
    duration_s,
    time_to_first_chunk_s,
    input_tokens,
    cache_read_input_tokens,
    cache_write_input_tokens,
    output_tokens,
    reasoning_output_tokens,
    cost_usd,
    CAST(cost_status, 'String') AS cost_status,
    CAST(cost_reason, 'String') AS cost_reason,
    arrayStringConcat(finish_reasons, ', ') AS finish_reasons,
    CAST(error_type, 'String') AS error_type,
    error_message,
    attributes
FROM agent_steps
WHERE namespace = {namespace:String}
    AND run_id = {run:String}
    AND {step:String} IN (event_id, if(match(event_id, '^[0-9a-f]{32}-[0-9a-f]{16}\\z'), substring(event_id, 34), ''))
ORDER BY event_id = {step:String} DESC
LIMIT 1
