(SELECT ifNull(maxOrNull(greatest(ifNull(end_time, start_time), opened_time)), $__toTime) + INTERVAL 1 HOUR FROM run_parts WHERE {{run_key}})
