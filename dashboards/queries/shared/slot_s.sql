greatest({{width_s}}, least($__interval_s, 3600))
