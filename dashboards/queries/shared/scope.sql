{{agents}}
    AND $__conditionalAll(has({{chosen.environment}}, if(environment = '', '(none)', environment)), $environment)
