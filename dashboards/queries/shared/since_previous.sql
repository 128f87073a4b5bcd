time >= $__fromTime - dateDiff('second', $__fromTime, $__toTime) AND time < $__toTime
