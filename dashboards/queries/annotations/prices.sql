-- title: Prices
-- question: When did other prices come into force, and when were stored steps priced again?
-- unit: short
SELECT
    moment AS time,
    title,
    text,
    tags
FROM
(
    SELECT
        min(time) AS moment,
        'New prices' AS title,
        concat('Calls from here on are priced by ', price_book) AS text,
        'prices' AS tags,
        min(moment) OVER () AS first_moment
    FROM step_prices
    WHERE namespace = decodeURLComponent('${namespace:percentencode}')
        AND {{in_range}}
    GROUP BY price_book
    UNION ALL
    SELECT
        toDateTime64(repricing_time, 9, 'UTC') AS moment,
        'Repriced' AS title,
        concat(toString(count()), ' stored steps were priced again') AS text,
        'prices' AS tags,
        toDateTime64(0, 9, 'UTC') AS first_moment
    FROM step_repricings
    WHERE namespace = decodeURLComponent('${namespace:percentencode}')
        AND repricing_time >= $__fromTime
        AND repricing_time < $__toTime
    GROUP BY repricing_time
)
WHERE moment > first_moment
ORDER BY time
LIMIT 500
