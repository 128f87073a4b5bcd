-- title: Guardrails
-- question: Which guardrail of which agent steps in, how often, and why the last time?
-- unit: short
SELECT
    CAST(agent_name, 'String') AS agent,
    if(guardrail_name = '', step_name, guardrail_name) AS guardrail,
    count() AS decisions,
    countIf(guardrail_verdict = 'deny') AS denied,
    countIf(guardrail_verdict IN ('modify', 'warn', 'escalate')) AS changed,
    countIf(guardrail_verdict NOT IN ('', 'allow')) / nullIf(countIf(guardrail_verdict != ''), 0) AS stepped_in,
    argMaxIf(guardrail_reason, time, guardrail_reason != '') AS last_reason,
    max(time) AS last_seen
FROM rare_steps
WHERE {{scope}}
    AND {{in_range}}
    AND kind = 'guardrail'
GROUP BY agent, guardrail
ORDER BY denied + changed DESC, decisions DESC, agent, guardrail
LIMIT 100
