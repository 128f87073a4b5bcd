-- title: Calls by model
-- question: How do calls of models share out (the nine most called, and the rest)?
-- unit: short
SELECT
    if(place <= 9, model, 'others') AS model,
    sum(calls) AS calls
FROM
(
    SELECT
        if(model = '', '(unnamed)', model) AS model,
        sum(steps) AS calls,
        row_number() OVER (ORDER BY sum(steps) DESC, model) AS place
    FROM window_parts
    WHERE {{scope}}
        AND {{width}}
        AND {{in_range}}
        AND kind IN ('llm', 'embedding')
    GROUP BY model
    HAVING calls > 0
)
GROUP BY model
ORDER BY model = 'others', calls DESC, model
LIMIT 10
