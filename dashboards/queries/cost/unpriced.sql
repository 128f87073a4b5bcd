-- title: Unpriced calls
-- question: How many calls have usage but no price, so that all sums here are too low?
-- unit: short
SELECT sum(unpriced_steps) AS unpriced
FROM window_parts
WHERE {{scope}}
    AND {{models}}
    AND {{width}}
    AND {{in_range}}
