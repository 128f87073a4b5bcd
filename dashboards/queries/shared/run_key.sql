namespace = decodeURLComponent('${namespace:percentencode}')
    AND run_id = decodeURLComponent('${run:percentencode}')
