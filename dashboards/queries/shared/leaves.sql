kind NOT IN ('agent', 'run', 'outcome', 'feedback', 'report')
