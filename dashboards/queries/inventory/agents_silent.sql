-- title: Silent agents
-- question: How many agents have been still for over twice their longest pause in the range (and 15 min at least), or worked in as long a time before the range and not in it?
-- unit: short
SELECT count() AS agents
FROM
(
    {{habits}}
)
WHERE state IN (2, 3)
