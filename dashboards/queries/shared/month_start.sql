toDateTime(toStartOfMonth(toDateTime({{until}}, 'UTC')), 'UTC')
