-- title: Calls
-- question: How often does one call the other?
-- unit: short
SELECT
    concat(caller, ' → ', callee) AS id,
    caller AS source,
    callee AS target,
    calls AS mainstat
FROM
(
    {{calls}}
)
ORDER BY mainstat DESC, id
LIMIT 100
