multiIf(
        error_type = '', '',
        match(error_type, '(?i)429|rate.?limit|too.?many|quota'), 'rate limit',
        match(error_type, '(?i)time.?out|deadline|408|504'), 'timeout',
        match(error_type, '(?i)^5\\d\\d|overload|unavailable|server.?error|connection'), 'provider',
        'other'
    )
