INSERT INTO contents (namespace, event_id, run_id, time, append_time, name, content, length_bytes, hash, row_version)
SELECT
    namespace,
    event_id,
    run_id,
    time,
    append_time,
    arrayJoin(['input_messages', 'output_messages']) AS name,
    concat(
        '[{{"role": "user", "content": "',
        arrayStringConcat(arrayMap(i -> ['parcel', 'refund', 'invoice', 'address', 'delivery', 'warranty'][
            cityHash64(source_offset, i) % 6 + 1], range(60)), ' '),
        '"}}]'
    ) AS content,
    length(content),
    '',
    {version}
FROM steps
WHERE {corrected} AND kind = 'llm' AND source_offset % 10 = 0
