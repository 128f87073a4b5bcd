$__conditionalAll(has({{chosen.model}}, model), $model)
