(SELECT least(ifNull(maxOrNull(greatest(ifNull(end_time, start_time), opened_time)), $__toTime), toDateTime64('2262-01-01 00:00:00', 9, 'UTC')) + INTERVAL 1 HOUR FROM run_parts WHERE {{run_key}})
