if(
    dateDiff('second', $__fromTime, $__toTime) > 172800
        OR (
            $__fromTime - {{length_s}} < now() - INTERVAL 13 DAY
            AND ifNull({{first_minute}} > {{first_hour}} + INTERVAL 1 HOUR, 1)
        ),
    3600,
    60
)
