-- summary: Which station limits a line, how each one spends its time, and when that shifts: from a log of operations or a table of machine states.
-- source: a table, view, file or SELECT text; a row for each operation, or for each state of a machine
-- case_id: of a log: column of the order or part
-- station: column of the station
-- started: of a log: column of when the operation began
-- finished: of a log: column of when it ended; NULL: it is still running
-- order_by: of states: column of time; a row holds until its station's next one
-- state: of states: column of words such as running, starved, blocked, failed, changeover, off
-- each: an interval, as INTERVAL 1 DAY: a row for each station and period; default: one for each station
-- options: of a log 'machines' how many each station has, or a column that names them (default: as many as work at once), 'released' column of when a case could begin, 'good' column of TRUE or a share, or 'quality' a share, 'energy' a column; of states 'states' what words mean, as {'RUN': 'working'}; of both 'gap' how long a machine stands still and counts as not waiting (default: a twentieth of its usual operation), 'closed' how long nothing has to work anywhere to be closed time, orders or not (default: an hour, or the usual operation where that is longer; but a stretch without any order is closed only where the hours of the day or week are always quiet)
-- columns: station, period_start (with each), parts (operations that ended), machines, shares of open time: working, starved (waits for work), blocked, failed and changeover (of states only: a log can't tell them), idle (stands beside waiting work; of a log that may be blocked), utilisation (neither starved, blocked nor idle), queue (mean number of cases that wait), wait_minutes, wait_minutes_90 (nine of ten wait no longer), processing_minutes (median), availability, performance (against the station's own ideal time, the 10 % quantile), quality, oee, energy_per_part, critical (of a log: share of time on the critical path, which being faster would save), sole and shifting (shifting bottleneck: alone, or together with the next one), bottleneck (both), rank (by critical, of states by bottleneck), is_bottleneck, finding, ml_status (too_short, doubtful: a reason may change the result), ml_reason (what was left out or mended)
-- example: FROM ml_bottlenecks('events', case_id := 'case_id', station := 'activity', started := 'start_ts', finished := 'end_ts')
CREATE OR REPLACE MACRO ml_bottlenecks(source, case_id := NULL, station := NULL, started := NULL, finished := NULL, order_by := NULL, state := NULL, each := NULL, options := NULL) AS TABLE
  FROM query(_ml_plan('bottlenecks', {'source': source, 'case_id': case_id, 'station': station, 'started': started, 'finished': finished, 'order_by': order_by, 'state': state, 'each': each, 'options': options,
    'place': [current_database(), current_schema()], 'zone': current_setting('TimeZone')}));
