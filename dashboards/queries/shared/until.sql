least($__toTime, now())
