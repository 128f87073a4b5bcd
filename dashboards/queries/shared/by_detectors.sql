detector NOT IN ('repeated-tool-call', 'first-seen')
