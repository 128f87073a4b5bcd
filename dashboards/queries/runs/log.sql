-- title: Log of the run
-- question: What happened in the run, line by line, with the words of errors?
-- unit: short
SELECT
    time AS timestamp,
    concat(
        kind, ' ', step_name,
        if(agent_name = '', '', concat(' (', agent_name, ')')),
        if(isNull(duration_s), ' began', concat(' took ', toString(round(assumeNotNull(duration_s), 3)), ' s')),
        if(error_type = '', '', concat(' and failed: ', error_type, ' ', error_message)),
        if(guardrail_verdict = '', '', concat(', verdict ', guardrail_verdict, ' ', guardrail_reason)),
        if(handoff_to_agent = '', '', concat(', handed over to ', handoff_to_agent))
    ) AS body,
    multiIf(error_type != '', 'error', guardrail_verdict NOT IN ('', 'allow'), 'warn', 'info') AS level,
    CAST(kind, 'String') AS kind,
    event_id AS event
FROM agent_steps
WHERE {{of_run}}
ORDER BY timestamp DESC, event
LIMIT 1000
