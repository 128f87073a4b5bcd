time >= $__fromTime AND time < $__toTime
