-- title: Who calls whom
-- question: Which agents call which tools and models and start which agents, how often, and which share of it fails (the hundred busiest edges)?
-- unit: short
SELECT
    id,
    splitByChar(':', id, 2)[2] AS title,
    splitByChar(':', id, 2)[1] AS subtitle,
    sum(calls_of) AS mainstat,
    if(mainstat = 0, 1, 1 - sum(failed_of) / mainstat) AS arc__ok,
    1 - arc__ok AS arc__failed
FROM
(
    SELECT
        end.1 AS id,
        end.2 AS calls_of,
        end.3 AS failed_of
    FROM
    (
        {{calls}}
    )
    ARRAY JOIN [
        (caller, if(startsWith(callee, 'agent:'), 0, calls), failed),
        (callee, if(startsWith(callee, 'agent:'), 0, calls), failed)
    ] AS end
)
GROUP BY id
ORDER BY mainstat DESC, id
LIMIT 200
