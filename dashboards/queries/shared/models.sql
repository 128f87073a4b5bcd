$__conditionalAll(model IN (${model:sqlstring}), $model)
