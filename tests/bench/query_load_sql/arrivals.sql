-- As if steps had been stored two seconds and some after their append: what the views of `arrivals` count is the time
-- of this load, which no range asks for.
INSERT INTO arrivals (namespace, stored_time, measure, source, bucket, rows)
SELECT
    namespace,
    toStartOfMinute(append_time + INTERVAL 2 SECOND) AS stored_time,
    arrived.1 AS measure,
    'otlp_spans',
    arrived.2 AS bucket,
    count()
FROM steps AS s
ARRAY JOIN [
    ('steps', toInt16(0)),
    ('corrected_steps', toInt16(0)),
    ('windows', toInt16(0)),
    ('readings', toInt16(0)),
    ('pipeline_delay', toInt16(40 + cityHash64(source_offset) % 12)),
    ('emitter_delay', toInt16(36 + cityHash64(source_offset) % 6))
] AS arrived
WHERE {corrected} AND {version} = 1
GROUP BY namespace, stored_time, measure, bucket
