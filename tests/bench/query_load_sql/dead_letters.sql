-- One record in a hundred cannot be taken: an emitter that nobody has mended.
INSERT INTO dead_letters
(namespace, topic, `partition`, `offset`, number, reason, detail, payload, append_time, row_version)
SELECT
    namespace,
    'agent-events',
    source_partition,
    source_offset,
    0,
    ['invalid_json', 'invalid_event', 'too_large'][cityHash64(source_offset) % 3 + 1],
    'kind: what is expected, and what was found',
    repeat(event_id, 20),
    append_time,
    {version}
FROM steps AS s
WHERE {corrected} AND source_offset % 100 = 0
