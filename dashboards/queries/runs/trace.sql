-- title: Waterfall
-- question: Which steps of the run ran when, below which, and what did they ask and answer (as far as policy stored it)?
-- unit: ms
SELECT
    s.TraceId AS traceID,
    s.SpanId AS spanID,
    s.ParentSpanId AS parentSpanID,
    CAST(s.ServiceName, 'String') AS serviceName,
    CAST(s.SpanName, 'String') AS operationName,
    toUnixTimestamp64Nano(s.Timestamp) / 1e6 AS startTime,
    s.Duration / 1e6 AS duration,
    arrayConcat(
        arrayMap(key -> map('key', CAST(key, 'String'), 'value', s.SpanAttributes[key]), mapKeys(s.SpanAttributes)),
        ifNull(c.told, [])
    ) AS tags,
    arrayMap(key -> map('key', CAST(key, 'String'), 'value', s.ResourceAttributes[key]), mapKeys(s.ResourceAttributes)) AS serviceTags,
    if(s.StatusCode = 'Error', 2, 0) AS statusCode,
    s.StatusMessage AS statusMessage,
    CAST(s.SpanKind, 'String') AS kind
FROM
(
    SELECT *
    FROM otel_traces
    WHERE namespace = decodeURLComponent('${namespace:percentencode}')
        AND TraceId = decodeURLComponent('${run:percentencode}')
        AND Timestamp >= {{run_from}}
        AND Timestamp <= {{run_until}}
) AS s
LEFT JOIN
(
    SELECT
        if(match(event_id, '^[0-9a-f]{32}-[0-9a-f]{16}\\z'), substring(event_id, 34), event_id) AS span,
        groupArray(map('key', CAST(name, 'String'), 'value', leftUTF8(content, 4000))) AS told
    FROM agent_contents
    WHERE {{of_run}}
    GROUP BY span
) AS c ON c.span = s.SpanId
ORDER BY startTime, spanID
LIMIT 5000
