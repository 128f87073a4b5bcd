{{whole_runs}}
        AND {{run_models}}
