{{agents}}
    AND $__conditionalAll(if(environment = '', '(none)', environment) IN (${environment:sqlstring}), $environment)
