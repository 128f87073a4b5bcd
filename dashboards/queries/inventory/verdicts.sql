-- title: Verdicts of guardrails
-- question: How often do guardrails let pass, change, warn, escalate or refuse?
-- unit: short
SELECT
    $__timeInterval(time) AS time,
    countIf(guardrail_verdict = 'allow') AS `allow`,
    countIf(guardrail_verdict = 'modify') AS `modify`,
    countIf(guardrail_verdict = 'warn') AS `warn`,
    countIf(guardrail_verdict = 'escalate') AS `escalate`,
    countIf(guardrail_verdict = 'deny') AS `deny`,
    countIf(guardrail_verdict = '') AS `not told`
FROM
(
    SELECT time, guardrail_verdict
    FROM rare_steps
    WHERE {{scope}}
        AND {{in_range}}
        AND kind = 'guardrail'
)
GROUP BY time
ORDER BY time
