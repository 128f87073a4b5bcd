-- Which contents hold all of the words, whatever their case? The newest first, each with what stands around the
-- first word. No index helps with any word within a text; namespace and time bound what is read.
SELECT
    run_id,
    event_id,
    time,
    CAST(name, 'String') AS name,
    length_bytes,
    positionCaseInsensitiveUTF8(content, {first:String}) AS at,
    substringUTF8(content, greatest(at, 121) - 120, 420) AS excerpt
FROM agent_contents
WHERE namespace = {namespace:String}
    AND time >= fromUnixTimestamp64Milli({start_ms:Int64})
    AND time <= fromUnixTimestamp64Milli({end_ms:Int64})
    AND arrayAll(word -> positionCaseInsensitiveUTF8(content, word) > 0, {words:Array(String)})
ORDER BY time DESC, event_id, name
LIMIT {limit:UInt16}
