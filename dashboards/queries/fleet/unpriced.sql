-- title: Unpriced calls
-- question: How many calls have usage but no price, so that spend is too low?
-- unit: short
SELECT sum(unpriced_steps) AS unpriced
FROM window_parts
WHERE {{scope}}
    AND {{width}}
    AND {{in_range}}
