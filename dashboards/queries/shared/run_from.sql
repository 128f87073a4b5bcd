(SELECT ifNull(minOrNull(least(start_time, opened_time)), $__fromTime) - INTERVAL 1 HOUR FROM run_parts WHERE {{run_key}})
