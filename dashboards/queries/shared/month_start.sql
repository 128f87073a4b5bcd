toDateTime(toStartOfMonth(toDateTime($__toTime, 'UTC')), 'UTC')
