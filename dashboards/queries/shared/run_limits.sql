$__conditionalAll(has({{chosen.status}}, status), $status)
        AND $__conditionalAll(cost >= toDecimal64OrNull(decodeURLComponent('${min_cost:percentencode}'), 12), $min_cost)
        AND $__conditionalAll(seconds >= toFloat64OrNull(decodeURLComponent('${min_duration:percentencode}')), $min_duration)
