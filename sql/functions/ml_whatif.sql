-- summary: What a line would do if stations were faster or had more machines, by simulation from its log; without a change, which one pays best.
-- source: a table, view, file or SELECT text; a row for each operation
-- case_id: column of the order or part
-- station: column of the station
-- started: column of when the operation began
-- finished: column of when it ended; NULL: it is still running
-- change: '<station>: -10 %', '<station>: -1 min' (or s, h), '<station>: +1 machine'; a list of texts, or several with semicolons between, is one change; default: suggestions
-- costs: of suggestions: {'minute': 100, 'percent': 40, 'machine': 50000}: a minute or a percent taken off a station's operations, a machine more; only kinds with a cost are suggested; default: a minute 1, ten percent 1, a machine 10
-- level: of intervals, which are of the dice of the simulation; how far the log itself is one by chance they do not tell; default 0.9
-- options: 'release' 'wip' (one case is finished, the next one enters), 'log' (cases enter when they did) or 'always' (orders never lack; default where that is so in the log, else wip); 'wip' how many cases are kept in the line, 2.5 on average, too (default: as many as the log had); 'replications' how many (default: until the interval is tight), 'seed'; 'machines' how many each station has, as a number, by station as {'mill': 2}, or a column that names them; 'released' column of when a case could begin; 'closed' how long nothing has to work anywhere to be closed time (default as of ml_bottlenecks)
-- columns: of a change: measure (throughput in cases a day, lead_time in hours of open time, wip, waiting as a share of the lead time, utilisation and share of the critical path of the bottleneck), now, changed, difference, lower, upper, logged (what the log itself has), finding, ml_status (uncalibrated: simulated and logged throughput are more than 10 % apart; doubtful: the log has slips, or the cases in the line limit it more than a station), ml_reason; of suggestions: rank, change (as ml_whatif takes it), gain (cases a day, above 0 is better; with release 'log' hours of lead time), lower, upper, lead_time (hours more), cost, gain_per_cost, suggestion, ml_status, ml_reason
-- example: FROM ml_whatif('events', case_id := 'case_id', station := 'activity', started := 'start_ts', finished := 'end_ts', change := 'Heat-treat: -10 %')
CREATE OR REPLACE MACRO ml_whatif(source, case_id := NULL, station := NULL, started := NULL, finished := NULL, change := NULL, costs := NULL, level := NULL, options := NULL) AS TABLE
  FROM query(_ml_plan('whatif', {'source': source, 'case_id': case_id, 'station': station, 'started': started, 'finished': finished, 'change': change, 'costs': costs, 'level': level, 'options': options,
    'place': [current_database(), current_schema()], 'zone': current_setting('TimeZone')}));
