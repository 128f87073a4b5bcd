(SELECT greatest(ifNull(minOrNull(least(start_time, opened_time)), $__fromTime), toDateTime64('1900-01-01 00:00:00', 9, 'UTC')) - INTERVAL 1 HOUR FROM run_parts WHERE {{run_key}})
