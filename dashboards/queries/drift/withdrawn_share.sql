-- title: Withdrawn share
-- question: Of the alarms of the range that were decided, which share was withdrawn (confirmed ones may be false too, but nobody can count those; all environments)?
-- unit: percentunit
SELECT countIf(state = 'closed') / nullIf(countIf(state IN ('closed', 'confirmed')), 0) AS withdrawn
FROM agent_incidents
WHERE {{agents}}
    AND {{by_detectors}}
    AND {{in_range}}
