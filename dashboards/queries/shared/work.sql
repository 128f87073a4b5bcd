kind NOT IN ('outcome', 'feedback', 'report')
