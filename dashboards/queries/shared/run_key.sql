namespace = ${namespace:sqlstring}
    AND run_id = decodeURLComponent('${run:percentencode}')
