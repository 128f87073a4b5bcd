width_s = {{width_s}}
