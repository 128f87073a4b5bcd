if(sum(cost_usd) = 0 AND sum(unpriced_steps) > 0, NULL, toFloat64(sum(cost_usd)))
