-- title: Slowest steps
-- question: Which single steps took longest, and in which run?
-- unit: short
SELECT
    time AS started,
    agent_name AS agent,
    step_name AS step,
    model,
    duration_s AS duration,
    time_to_first_chunk_s AS first_token,
    output_tokens AS output,
    error_type AS error,
    run_id AS run
FROM agent_steps
WHERE {{scope}}
    AND {{models}}
    AND {{leaves}}
    AND {{in_range}}
    AND duration_ns IS NOT NULL
ORDER BY duration_ns DESC, event_id
LIMIT 50
