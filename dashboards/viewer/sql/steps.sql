-- Whose steps are these? Time and run bound what is read.
SELECT
    event_id,
    CAST(agent_name, 'String') AS agent_name,
    CAST(step_name, 'String') AS step_name,
    CAST(kind, 'String') AS kind
FROM agent_steps
WHERE namespace = {namespace:String}
    AND time >= fromUnixTimestamp64Milli({start_ms:Int64})
    AND time <= fromUnixTimestamp64Milli({end_ms:Int64} + 1)
    AND run_id IN {runs:Array(String)}
    AND event_id IN {steps:Array(String)}
