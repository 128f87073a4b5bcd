greatest({{width_s}}, $__interval_s)
