-- summary: How the simulated camera draws: a bitmap of 64 x 64 greys, and the four defects on brushed metal.
--
-- The last file drops these helpers.

-- The bytes of the file: its size, where pixels begin, 64 x 64 pixels of 8 bits, a palette of 256 greys, and
-- the pixels, lowest row first, which come as hexadecimal digits.
CREATE OR REPLACE MACRO plant_bitmap(pixels) AS
  unhex(
    '424D3614000000000000360400002800000040000000400000000100080000000000001000000000000000000000'
    || '0001000000000000'
    || array_to_string(list_transform(range(256), lambda grey: format('{0:02x}{0:02x}{0:02x}00', grey)), '')
    || pixels
  );

-- How bright a line is: u along it and v across, in pixels from its middle.
CREATE OR REPLACE MACRO plant_line(u, v, half, thick) AS
  exp(-(v / thick) * (v / thick)) * plant_clamp((half - abs(u)) / 3, 0, 1);

-- The same of each defect, about 1 (or -1) at most: x and y from its middle, u and v turned with it.
CREATE OR REPLACE MACRO plant_defect(type, x, y, u, v, size, bent) AS
  CASE type
    WHEN 'scratch' THEN plant_line(u, v - 0.012 * bent * u * u, 1.4 * size, 0.9)
    WHEN 'crack' THEN -plant_line(
      u, v - 1.4 * sin(0.45 * u + 6 * bent) - 0.9 * sin(1.3 * u + 9 * bent), 1.4 * size,
      0.5 + 0.6 * (1 - abs(u) / (1.4 * size))
    )
    WHEN 'stain' THEN -0.7 / (1 + exp(
      1.2 * (sqrt(u * u + 2 * v * v) - size * (0.9 + 0.15 * sin(3 * atan2(v, u) + 6 * bent)))
    ))
    -- Light falls from the upper left, and the far side of the hollow catches it.
    WHEN 'dent' THEN 3 * (x + y) / size * exp(-3 * (x * x + y * y) / (size * size))
    ELSE 0
  END;
