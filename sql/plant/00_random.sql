-- summary: The plant's clock and its dice: every number of the simulated plant follows from a key and a seed.
--
-- A simulated plant is only useful in tests and tutorials when it is the same everywhere, so nothing here
-- uses random() or the time of day. A "random" number is the hash of a key (a machine and an hour, say)
-- and of a salt that names what the number is for. The last file drops these helpers again.

-- The simulation covers 120 days. It begins on a Monday, and "now" is midnight after its last day.
CREATE OR REPLACE MACRO plant_start() AS TIMESTAMP '2026-01-05 00:00:00';
CREATE OR REPLACE MACRO plant_now() AS TIMESTAMP '2026-05-05 00:00:00';

-- Another seed gives another plant with the same physics.
CREATE OR REPLACE MACRO plant_seed() AS 42;

-- Uniform in (0, 1), never 0 or 1. Hashing twice is on purpose: hash(key, salt) combines its two parts by
-- XOR, so that the numbers for two salts would be the same bits, flipped. The second round mends that.
CREATE OR REPLACE MACRO plant_uniform(key, salt) AS
  ((hash(hash(key, salt), plant_seed()) >> 11)::DOUBLE + 0.5) / 9007199254740992;

-- Standard normal, by Box and Muller.
CREATE OR REPLACE MACRO plant_normal(key, salt) AS
  sqrt(-2 * ln(plant_uniform(key, salt))) * cos(2 * pi() * plant_uniform(key, salt || ' angle'));

-- TRUE with the given chance.
CREATE OR REPLACE MACRO plant_chance(key, salt, share) AS plant_uniform(key, salt) < share;

-- One of a list, each equally likely (name one twice to make it twice as likely).
CREATE OR REPLACE MACRO plant_choice(key, salt, choices) AS
  choices[1 + floor(plant_uniform(key, salt) * len(choices))::INTEGER];

-- Holds a value between two limits.
CREATE OR REPLACE MACRO plant_clamp(x, low, high) AS greatest(low, least(high, x));
