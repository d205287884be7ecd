-- summary: The 1,500 notes as work orders: booked on a system, a few of them wrongly, and with a priority.

CREATE OR REPLACE TABLE work_orders AS
SELECT
  format('WO-{:05d}', no) AS id,
  machine_id,
  opened,
  note,
  CASE WHEN plant_chance(key, 'booked wrongly', 0.03)
    THEN plant_choice(key, 'booked', ['bearing', 'hydraulic', 'electrical', 'tooling', 'cooling', 'controls'])
    ELSE system
  END AS system,
  CASE reason
    WHEN 'failure' THEN plant_choice(key, 'priority', ['urgent', 'urgent', 'high'])
    WHEN 'first sign' THEN plant_choice(key, 'priority', ['high', 'medium', 'medium'])
    WHEN 'service' THEN 'low'
    ELSE plant_choice(key, 'priority', ['high', 'medium', 'medium', 'low', 'low'])
  END AS priority
FROM plant_notes
ORDER BY id;

COMMENT ON TABLE work_orders IS 'Maintenance notes as technicians write them, in English, Chinese and both';
COMMENT ON COLUMN work_orders.opened IS 'When the note was written; minutes after the stop for a failure';
COMMENT ON COLUMN work_orders.note IS 'What was seen and done, in free text with slips and abbreviations';
COMMENT ON COLUMN work_orders.system IS
  'What the note was booked on: bearing, hydraulic, electrical, tooling, cooling or controls (3 % wrongly)';
COMMENT ON COLUMN work_orders.priority IS 'urgent, high, medium or low';
