-- title: Unowned agents
-- question: How many agents of the range have no team, or no name of their own?
-- unit: short
SELECT count() AS agents
FROM
(
    {{owners}}
)
WHERE missing != ''
