toStartOfDay(toDateTime({{until}}, 'UTC'))
