{{stream_name}} = if(${stream:sqlstring} = '(loudest)', (SELECT argMax({{stream_name}}, (statistic / threshold, n)) FROM agent_readings WHERE {{agents}} AND {{in_range}}), ${stream:sqlstring})
