-- title: Latest dead letters
-- question: Which records could not be read, where were they, and what is wrong with them (whole namespace)?
-- unit: short
SELECT
    time,
    topic,
    `partition`,
    `offset`,
    reason,
    detail,
    leftUTF8(toValidUTF8(payload), 200) AS payload
FROM agent_dead_letters
WHERE namespace = decodeURLComponent('${namespace:percentencode}')
    AND {{in_range}}
ORDER BY time DESC
LIMIT 100
