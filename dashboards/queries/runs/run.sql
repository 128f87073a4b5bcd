-- title: The run
-- question: What is the run in the box "Run": whose, when, how it ended, and what it took and cost?
-- unit: short
SELECT
    min(p.time) AS started,
    argMin(p.agent_name, p.part) AS agent,
    multiIf(
        argMax(p.state, p.part) != 'closed', 'running',
        ifNull(argMaxIf(p.outcome_success, p.part, isNotNull(p.outcome_success)), sum(p.errors) = 0), 'succeeded',
        'failed'
    ) AS status,
    argMaxIf(p.outcome_name, p.part, p.outcome_name != '' OR isNotNull(p.outcome_success)) AS outcome,
    (toUnixTimestamp64Nano(assumeNotNull(max(p.end_time))) - toUnixTimestamp64Nano(min(p.start_time))) / 1e9 AS duration,
    if(sum(p.cost_usd) = 0 AND sum(p.unpriced_steps) > 0, NULL, toFloat64(sum(p.cost_usd))) AS spend,
    sum(p.unpriced_steps) AS unpriced,
    sum(p.steps) AS steps,
    sum(p.errors) AS errors,
    sum(p.llm_calls) AS calls,
    sum(p.tool_calls) AS tools,
    max(p.repeated_tool_calls) AS repeated,
    sum(p.input_tokens) AS input,
    sum(p.output_tokens) AS output,
    sum(p.orphans) AS orphans,
    sum(p.unended_steps) AS unended,
    argMin(p.agent_version, p.part) AS version,
    argMin(p.environment, p.part) AS environment,
    argMin(p.team, p.part) AS team,
    argMin(p.task, p.part) AS task,
    argMin(p.user_id, p.part) AS user
FROM run_parts AS p
WHERE {{run_key}}
GROUP BY run_id
LIMIT 1
