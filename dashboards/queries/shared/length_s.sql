greatest(0, dateDiff('second', $__fromTime, {{until}}))
