-- title: Prices in force
-- question: Which price books priced the calls of the range, how many, and from when to when?
-- unit: short
SELECT
    price_book AS book,
    count() AS calls,
    min(time) AS first,
    max(time) AS last
FROM agent_steps
WHERE {{scope}}
    AND {{models}}
    AND {{in_range}}
    AND price_book != ''
    AND cost_status IN ('priced', 'partial', 'unpriced', 'reported', 'free')
GROUP BY book
ORDER BY first
LIMIT 50
