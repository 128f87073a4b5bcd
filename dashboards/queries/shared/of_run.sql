{{run_key}}
    AND time >= {{run_from}}
    AND time <= {{run_until}}
