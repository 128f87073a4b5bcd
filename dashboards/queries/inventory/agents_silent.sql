-- title: Silent agents
-- question: How many agents have been still for over twice their longest pause in the range (and 15 min at least), or not been seen in it but in the 30 days before?
-- unit: short
SELECT count() AS agents
FROM
(
    {{habits}}
)
WHERE state IN (2, 3)
