time >= $__fromTime - {{length_s}} AND time < $__toTime
