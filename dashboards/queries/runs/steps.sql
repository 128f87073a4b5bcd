-- title: Steps
-- question: What did the run do, step by step, and where does each cent come from (no cost: nothing to bill, no price, or billed elsewhere, as its status says)?
-- unit: short
SELECT
    time AS started,
    kind,
    step_name AS step,
    agent_name AS agent,
    if(tool_name = '', model, tool_name) AS called,
    duration_s AS duration,
    time_to_first_chunk_s AS first_token,
    input_tokens AS input,
    cache_read_input_tokens AS cached,
    output_tokens AS output,
    toFloat64(cost_usd) AS spend,
    CAST(cost_status, 'String') AS cost_status,
    error_type AS error,
    toFloat64(cost_input_usd) AS input_cost,
    toFloat64(cost_cache_read_usd) AS cached_cost,
    toFloat64(cost_output_usd) AS output_cost,
    event_id AS event
FROM agent_steps
WHERE {{of_run}}
ORDER BY started, event
LIMIT 2000
