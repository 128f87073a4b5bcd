if(dateDiff('second', $__fromTime, $__toTime) > 172800 OR $__fromTime < now() - INTERVAL 13 DAY, 3600, 60)
