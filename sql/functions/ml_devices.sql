-- summary: The devices of this machine, and which one models run on.
-- columns: device, what, used, memory
-- example: FROM ml_devices()
CREATE OR REPLACE MACRO ml_devices() AS TABLE
  FROM query(_ml_plan('devices', {'all': true}));
