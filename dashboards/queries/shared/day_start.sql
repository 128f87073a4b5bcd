toStartOfDay(toDateTime($__toTime, 'UTC'))
