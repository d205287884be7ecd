"""The simulated plant: the same everywhere, plausible, honest labels, and nothing left of its workshop."""

from __future__ import annotations

import io
import re
import struct

import duckdb
import numpy as np
import pytest

from mfgsql.resources import resource

FILES = sorted(resource("sql/plant").glob("*.sql"))

ROWS = {
    "annotated_notes": (500, 500),
    "camera_now": (80, 110),
    "car_faults": (800, 1_100),
    "car_labelled": (60_000, 70_000),
    "car_live": (5_200, 5_760),
    "car_states": (80_640, 80_640),
    "car_test": (5_200, 5_760),
    "design_rules": (3, 3),
    "energy": (5 * 120 * 24, 5 * 120 * 24),
    "events": (3_200, 3_500),
    "failures": (24 * 5, 24 * 10),
    "labelled": (50_000, 24 * 99 * 24),
    "lanes": (24, 24),
    "line_events": (3_600, 3_600),
    "machines": (24, 24),
    "maintenance": (200, 500),
    "mixes": (600, 600),
    "orders": (40 * 365, 40 * 365),
    "plates": (600, 700),
    "plates_test": (120, 190),
    "purchases": (700, 1_000),
    "quality": (18_000, 22_000),
    "region_needs": (240, 240),
    "skus": (40, 40),
    "stock": (40, 40),
    "telemetry": (24 * 120 * 24, 24 * 120 * 24),
    "telemetry_now": (2_500, 24 * 5 * 24),
    "telemetry_test": (8_000, 24 * 15 * 24),
    "warehouse_stock": (160, 160),
    "work_orders": (1_500, 1_500),
}

KEYS = {
    "annotated_notes": "id",
    "camera_now": "id",
    "car_faults": "station, ts",
    "car_labelled": "station, ts",
    "car_states": "station, ts",
    "design_rules": "expression",
    "energy": "line, ts",
    "events": "case_id, activity",
    "failures": "machine_id, ts",
    "labelled": "machine_id, ts",
    "lanes": "warehouse, region",
    "line_events": "order_no, station",
    "machines": "machine_id",
    "maintenance": "machine_id, ts",
    "mixes": "batch",
    "orders": "sku, day",
    "plates": "id",
    "plates_test": "id",
    "purchases": "purchase",
    "quality": "part_id",
    "region_needs": "region, sku",
    "skus": "sku",
    "stock": "sku",
    "telemetry": "machine_id, ts",
    "warehouse_stock": "warehouse, sku",
    "work_orders": "id",
}


def build(con: duckdb.DuckDBPyConnection) -> duckdb.DuckDBPyConnection:
    for file in FILES:
        con.execute(file.read_text(encoding="utf-8"))
    return con


def open_plant(threads: int) -> duckdb.DuckDBPyConnection:
    return build(duckdb.connect(config={"threads": threads}))


def fingerprints(con: duckdb.DuckDBPyConnection) -> dict[str, int]:
    """One hash per table, of its rows and of their order."""
    return {table: con.sql(f"SELECT bit_xor(hash(rowid, t)) FROM {table} AS t").fetchone()[0] for table in ROWS}


@pytest.fixture(scope="module")
def plant():
    with open_plant(threads=2) as con:
        yield con


@pytest.fixture
def value(plant):
    """The only value of a query, or its only row."""

    def ask(sql: str):
        row = plant.sql(sql).fetchone()
        return row[0] if len(row) == 1 else row

    return ask


def test_the_plant_is_the_same_on_any_number_of_threads_and_when_built_again(plant):
    expected = fingerprints(plant)
    with open_plant(threads=1) as single:
        assert fingerprints(single) == expected
        assert fingerprints(build(single)) == expected


def test_no_file_uses_chance_or_the_clock():
    for file in FILES:
        code = re.sub(r"--.*", "", file.read_text(encoding="utf-8"))
        assert not re.search(r"\b(random|setseed|now|today|uuid|current_\w+)\s*\(", code), file.name


def test_every_file_says_what_it_is_and_keeps_its_lines_short():
    for file in FILES:
        lines = file.read_text(encoding="utf-8").splitlines()
        assert lines[0].startswith("-- summary: "), file.name
        assert max(map(len, lines)) <= 110, file.name


def test_the_dice_are_uniform_normal_and_independent():
    with duckdb.connect() as con:
        con.execute(FILES[0].read_text(encoding="utf-8"))
        low, high, mean, related, normal_mean, normal_spread = con.execute(
            """
            SELECT min(u), max(u), avg(u), corr(u, v), avg(z), stddev(z)
            FROM (
              SELECT plant_uniform(key, 'a') AS u, plant_uniform(key, 'b') AS v, plant_normal(key, 'c') AS z
              FROM range(100000) AS keys(key)
            )
            """
        ).fetchone()
    assert 0 < low < 0.001
    assert 0.999 < high < 1
    assert mean == pytest.approx(0.5, abs=0.01)
    assert related == pytest.approx(0, abs=0.02)
    assert normal_mean == pytest.approx(0, abs=0.02)
    assert normal_spread == pytest.approx(1, abs=0.02)


def test_the_tables_are_those_promised_and_no_helper_stays(plant, value):
    assert [name for (name,) in plant.sql("SHOW TABLES").fetchall()] == sorted(ROWS)
    assert value("SELECT count(*) FROM duckdb_functions() WHERE function_name LIKE 'plant%'") == 0


@pytest.mark.parametrize("table", ROWS)
def test_rows(value, table):
    low, high = ROWS[table]
    assert low <= value(f"SELECT count(*) FROM {table}") <= high


@pytest.mark.parametrize("table", KEYS)
def test_keys_are_unique(value, table):
    rows, keys = value(f"SELECT count(*), count(DISTINCT ({KEYS[table]})) FROM {table}")
    assert rows == keys


def test_every_table_has_a_comment(plant):
    assert plant.sql("SELECT table_name FROM duckdb_tables() WHERE comment IS NULL").fetchall() == []


def test_columns_of_measurements_tell_their_units(value):
    columns = "('vibration', 'temperature', 'pressure', 'current', 'strength_mpa', 'kwh', 'takt_s', 'downtime_h')"
    assert (
        value(
            f"""
            SELECT count(*) FROM duckdb_columns()
            WHERE column_name IN {columns} AND comment NOT LIKE '%[%]%'
            """
        )
        == 0
    )


def test_no_kind_of_machine_is_missing(plant):
    kinds = dict(plant.sql("SELECT kind, count(*) FROM machines GROUP BY kind").fetchall())
    assert kinds == {"press": 8, "mill": 6, "oven": 4, "robot": 6}


def test_each_machine_fails_now_and_then(value):
    least, most, average = value(
        "SELECT min(n), max(n), avg(n) FROM (SELECT count(*) AS n FROM failures GROUP BY machine_id)"
    )
    assert least >= 3
    assert most <= 15
    assert 5 <= average <= 10


@pytest.mark.parametrize(
    ("column", "low", "high"),
    [
        ("vibration", 0.01, 0.03),
        ("temperature", 0.005, 0.02),
        ("current", 0.002, 0.01),
        ("cycle_s", 0.08, 0.18),
        ("pressure", 0, 0),
        ("load_pct", 0, 0),
        ("tool_wear", 0, 0),
    ],
)
def test_share_of_readings_that_are_missing(value, column, low, high):
    assert low <= value(f"SELECT avg(({column} IS NULL)::INTEGER) FROM telemetry") <= high


def test_the_pressure_link_breaks_as_a_sentinel(value):
    share, lowest = value(
        """
        SELECT avg((pressure = -9999)::INTEGER), min(pressure) FILTER (WHERE pressure <> -9999) FROM telemetry
        """
    )
    assert 0.002 < share < 0.008
    assert lowest >= 0


def test_readings_are_in_their_physical_range(value):
    assert value(
        """
        SELECT
          min(vibration) >= 0 AND max(vibration) < 40
          AND min(temperature) > -20 AND max(temperature) < 450
          AND min(load_pct) = 0 AND max(load_pct) <= 100
          AND min(tool_wear) >= 0 AND max(tool_wear) <= 1
          AND count(*) FILTER (state = 'down' AND speed > 0) = 0
        FROM telemetry
        """
    )


@pytest.mark.parametrize(
    ("table", "target", "low", "high"),
    [
        ("labelled", "failed_within_24h", 0.04, 0.10),
        ("telemetry_test", "failed_within_24h", 0.04, 0.10),
        ("car_labelled", "stoppage_within_30min", 0.05, 0.10),
        ("car_test", "stoppage_within_30min", 0.05, 0.10),
        ("quality", "defect <> 'none'", 0.10, 0.16),
    ],
)
def test_share_of_positives(value, table, target, low, high):
    assert low <= value(f"SELECT avg(({target})::INTEGER) FROM {table}") <= high


@pytest.mark.parametrize("table", ["labelled", "telemetry_test"])
def test_the_label_agrees_with_the_failures(value, table):
    """Counted the other way round: by the next failure of each row."""
    assert (
        value(
            f"""
            SELECT count(*)
            FROM {table} AS seen
            ASOF LEFT JOIN failures ON seen.machine_id = failures.machine_id AND seen.ts < failures.ts
            WHERE failed_within_24h <> coalesce(date_diff('second', seen.ts, failures.ts) <= 24 * 3600, FALSE)
            """
        )
        == 0
    )


@pytest.mark.parametrize("table", ["car_labelled", "car_test"])
def test_the_label_of_the_car_plant_agrees_with_its_faults(value, table):
    assert (
        value(
            f"""
            SELECT count(*)
            FROM {table} AS seen
            ASOF LEFT JOIN car_faults AS faults ON seen.station = faults.station AND seen.ts < faults.ts
            WHERE stoppage_within_30min <> coalesce(date_diff('second', seen.ts, faults.ts) <= 1800, FALSE)
            """
        )
        == 0
    )


@pytest.mark.parametrize("table", ["labelled", "telemetry_test", "telemetry_now"])
def test_no_row_lies_inside_down_time(value, table):
    """Nor within two hours after a failure: the repair takes that long at least."""
    assert (
        value(
            f"""
            SELECT count(*)
            FROM {table} AS seen
            JOIN failures ON seen.machine_id = failures.machine_id
              AND seen.ts >= failures.ts
              AND seen.ts < failures.ts + to_minutes((60 * greatest(coalesce(downtime_h, 24), 2))::INTEGER)
            """
        )
        == 0
    )


def test_learning_and_testing_do_not_overlap(value):
    assert value(
        """
        SELECT (SELECT max(ts) FROM labelled) + INTERVAL 24 HOURS < (SELECT min(ts) FROM telemetry_test)
          AND (SELECT max(ts) FROM telemetry_test) < (SELECT min(ts) FROM telemetry_now)
          AND (SELECT max(ts) FROM car_labelled) + INTERVAL 30 MINUTES < (SELECT min(ts) FROM car_test)
          AND (SELECT max(ts) FROM car_test) < (SELECT min(ts) FROM car_live)
          AND (SELECT max(ts) FROM plates) < (SELECT min(ts) FROM plates_test)
          AND (SELECT max(ts) FROM plates_test) < (SELECT min(ts) FROM camera_now)
        """
    )


def test_wear_falls_with_every_repair(value):
    before, after = value(
        """
        SELECT avg(old.tool_wear), avg(new.tool_wear)
        FROM failures
        ASOF JOIN telemetry AS old ON old.machine_id = failures.machine_id AND failures.ts >= old.ts
        ASOF JOIN telemetry AS new ON new.machine_id = failures.machine_id
          AND failures.ts + to_minutes((60 * downtime_h)::INTEGER) <= new.ts
        """
    )
    assert after < 0.1 < before


@pytest.mark.parametrize("column", ["vibration", "current", "temperature", "cycle_s", "tool_wear"])
def test_no_single_reading_gives_the_failure_away(value, column):
    """The area under the ROC curve of one column, by ranks: informative, and far from the answer."""
    area = value(
        f"""
        SELECT (sum(place) FILTER (failed_within_24h) - positives * (positives + 1) / 2)
          / (positives * (count(*) - positives))
        FROM (
          SELECT failed_within_24h, rank() OVER (ORDER BY {column}) + 0.5 * (count(*) OVER (
            PARTITION BY {column}) - 1) AS place, sum(failed_within_24h::INTEGER) OVER () AS positives
          FROM labelled
          WHERE {column} IS NOT NULL
        )
        GROUP BY positives
        """
    )
    assert 0.48 < area < 0.90


def test_every_defect_has_its_cause(value):
    assert value(
        """
        SELECT avg(injection_mps) FILTER (defect = 'porosity') > avg(injection_mps) + 2
          AND avg(hold_pressure_bar) FILTER (defect = 'porosity') < avg(hold_pressure_bar) - 20
          AND avg(die_temp_c) FILTER (defect = 'crack') < avg(die_temp_c) - 8
          AND avg(die_wear_pct) FILTER (defect = 'scratch') > avg(die_wear_pct) + 20
          AND avg(abs(diameter_mm - 48)) FILTER (defect = 'dimension') > 1.5 * avg(abs(diameter_mm - 48))
        FROM quality
        """
    )


def test_a_part_is_cast_by_a_press_that_runs(value):
    assert (
        value(
            """
            SELECT count(*)
            FROM quality AS parts
            JOIN failures ON parts.machine_id = failures.machine_id
              AND parts.ts >= failures.ts + INTERVAL 1 HOUR
              AND parts.ts < failures.ts + to_minutes((60 * coalesce(downtime_h, 24))::INTEGER)
            """
        )
        == 0
    )


def test_demand_has_weekdays_promotions_and_spare_parts(value):
    assert value(
        """
        SELECT min(quantity) = 0
          AND avg(quantity) FILTER (isodow(day) = 1) > 3 * avg(quantity) FILTER (isodow(day) = 6)
          AND avg((quantity = 0)::INTEGER) FILTER (spare_part) > 0.8
          AND avg((quantity = 0)::INTEGER) FILTER (NOT spare_part) < 0.2
          AND avg(quantity) FILTER (promotion) > 1.2 * avg(quantity) FILTER (NOT promotion AND NOT spare_part)
        FROM orders JOIN skus USING (sku)
        """
    )


def test_energy_follows_the_shifts(value):
    assert value(
        """
        SELECT avg(kwh) FILTER (isodow(ts) = 3) > 1.5 * avg(kwh) FILTER (isodow(ts) = 7)
          AND min(kwh) > 0 AND min(price_eur_kwh) > -0.1 AND max(price_eur_kwh) < 0.3
        FROM energy WHERE line LIKE 'casting%'
        """
    )


def test_notes_are_in_english_in_chinese_and_in_both(value):
    chinese, mixed, kinds = value(
        """
        SELECT
          avg(regexp_matches(note, '[一-龥]')::INTEGER),
          avg((regexp_matches(note, '[一-龥]') AND regexp_matches(note, '[a-z]{4}'))::INTEGER),
          count(DISTINCT note) / count(*)
        FROM work_orders
        """
    )
    assert 0.25 < chinese < 0.36
    assert 0.03 < mixed < 0.15
    assert kinds > 0.9


def test_every_failure_has_its_note(value):
    """On the right system, but for the few that are booked wrongly."""
    noted, agreed = value(
        """
        SELECT count(DISTINCT (failures.machine_id, failures.ts)) / (SELECT count(*) FROM failures),
          avg((mode = system)::INTEGER)
        FROM failures
        JOIN work_orders AS notes ON notes.machine_id = failures.machine_id
          AND opened BETWEEN failures.ts AND failures.ts + INTERVAL 30 MINUTES
          AND priority IN ('urgent', 'high')
        """
    )
    assert noted > 0.99
    assert agreed > 0.9


def test_spans_are_where_their_words_are(plant):
    """In Python's characters; whole words in English, and the system's own words where nobody slipped."""
    labels = set()
    for note, spans in plant.sql("SELECT note, spans FROM annotated_notes").fetchall():
        end = 0
        for span in spans:
            words = note[span["begin"] : span["stop"]]
            assert end <= span["begin"] < span["stop"] <= len(note)
            assert words == words.strip(" ,:?")
            for edge in (span["begin"], span["stop"]):
                assert not re.fullmatch("[A-Za-z]{2}", note[max(edge - 1, 0) : edge + 1])
            if span["label"] == "Machine" and len(words) == 5:
                assert re.fullmatch("(?i)[A-Z]{2}-[0-9]{2}", words)
            labels.add(span["label"])
            end = span["stop"]
    assert labels == {"Machine", "Symptom", "Cause", "Action", "Part"}


def test_annotated_notes_are_work_orders(value):
    agreed, empty = value(
        """
        SELECT count(*), avg((len(spans) = 0)::INTEGER)
        FROM annotated_notes JOIN work_orders USING (id) WHERE annotated_notes.note = work_orders.note
        """
    )
    assert agreed == 500
    assert 0.02 < empty < 0.15


def pictures(plant: duckdb.DuckDBPyConnection, where: str) -> list[tuple[np.ndarray, dict[str, int]]]:
    """Greys [64, 64] and boxes, read without a library: the rows of a bitmap lie upside down after its palette."""
    rows = plant.sql(f"SELECT image, defect_box FROM plates WHERE {where}").fetchall()
    return [(np.frombuffer(image[-4096:], np.uint8).reshape(64, 64)[::-1].astype(float), box) for image, box in rows]


def test_pictures_are_bitmaps_of_64_by_64_greys(plant):
    for table in ("plates", "plates_test", "camera_now"):
        for (image,) in plant.sql(f"SELECT image FROM {table}").fetchall():
            size, begin = struct.unpack_from("<I4xI", image, 2)
            assert image[:2] == b"BM"
            assert (size, begin) == (len(image), len(image) - 4096)
            assert struct.unpack_from("<IiiHH", image, 14) == (40, 64, 64, 1, 8)
            assert image[54:begin] == b"".join(bytes([g, g, g, 0]) for g in range(256))


def test_pillow_sees_the_same_picture(plant):
    image = pytest.importorskip("PIL.Image")
    (data,) = plant.sql("SELECT image FROM plates LIMIT 1").fetchone()
    seen = image.open(io.BytesIO(data))
    assert seen.mode == "L"
    assert np.array_equal(np.asarray(seen), np.frombuffer(data[-4096:], np.uint8).reshape(64, 64)[::-1])


def test_a_defect_is_where_its_box_says(plant):
    """There the picture is rougher than elsewhere, more often than not much rougher."""
    inside, outside = [], []
    for greys, box in pictures(plant, "NOT good"):
        part = slice(box["y"], box["y"] + box["height"]), slice(box["x"], box["x"] + box["width"])
        assert greys[part].size == box["width"] * box["height"] > 0
        rest = np.ones_like(greys, bool)
        rest[part] = False
        inside.append(np.abs(greys[part] - np.median(greys)).max())
        outside.append(np.quantile(np.abs(greys - np.median(greys))[rest], 0.99))
    assert np.mean(np.array(inside) > np.array(outside)) > 0.65


def test_boxes_labels_and_verdicts_agree(value):
    assert value(
        """
        SELECT bool_and(good = (label = 'good > clean') AND good = (defect_box IS NULL))
          AND count(DISTINCT label) = 5 AND bool_and(label SIMILAR TO '(good|surface|shape) > [a-z]+')
        FROM (FROM plates UNION ALL FROM plates_test)
        """
    )


def test_readings_and_remarks_say_something_of_the_defect_and_not_all(value):
    assert value(
        """
        SELECT avg(die_temp_c) FILTER (label LIKE '%crack') < avg(die_temp_c) - 8
          AND avg(die_wear_pct) FILTER (label LIKE '%scratch') > avg(die_wear_pct) + 8
          AND avg(spray_s) FILTER (label LIKE '%stain') > avg(spray_s) + 0.2
          AND avg(thickness_mm) FILTER (label LIKE '%dent') < avg(thickness_mm) - 0.03
          AND min(die_temp_c) FILTER (good) < max(die_temp_c) FILTER (label LIKE '%crack')
          AND avg((note IS NULL)::INTEGER) BETWEEN 0.25 AND 0.4
          AND avg(regexp_matches(note, 'dent')::INTEGER) FILTER (label LIKE '%dent') BETWEEN 0.02 AND 0.6
        FROM plates
        """
    )


def test_a_resource_does_one_order_at_a_time(value):
    assert (
        value(
            """
            SELECT count(*)
            FROM (SELECT end_ts, lead(start_ts) OVER (PARTITION BY resource ORDER BY start_ts) AS next FROM events)
            WHERE next < end_ts
            """
        )
        == 0
    )


def test_the_bottleneck_is_the_oven(plant):
    longest = plant.sql(
        """
        SELECT activity
        FROM (
          SELECT activity, start_ts - lag(end_ts) OVER (PARTITION BY case_id ORDER BY start_ts) AS waited
          FROM events
        )
        GROUP BY activity ORDER BY avg(waited) DESC NULLS LAST LIMIT 1
        """
    ).fetchone()
    assert longest == ("Heat-treat",)


def test_strong_and_cheap_mixes_are_rare_and_most_keep_to_the_rules(plant, value):
    rules = [rule for (rule,) in plant.sql("SELECT expression FROM design_rules").fetchall()]
    assert 0.7 < value(f"SELECT avg(({' AND '.join(rules)})::INTEGER) FROM mixes") < 0.95
    assert 0 < value("SELECT avg((strength >= 60 AND cost <= 65)::INTEGER) FROM mixes") < 0.02
    assert value("SELECT corr(strength, water / (cement + slag)) < -0.5 AND corr(strength, cost) > 0.4 FROM mixes")


def test_the_stations_are_in_each_state(plant):
    shares = dict(plant.sql("SELECT state, count(*) / 80640 FROM car_states GROUP BY state").fetchall())
    assert shares.keys() == {"running", "blocked", "starved", "stopped"}
    assert shares["running"] > 0.8
    assert min(shares.values()) > 0.01


def test_a_station_is_blocked_or_starved_because_of_a_buffer(value):
    assert value(
        """
        SELECT max(buffer_before) FILTER (state = 'starved') = 0
          AND min(buffer_after) FILTER (state = 'blocked') >= 8
          AND min(buffer_before) FILTER (state = 'running') > 0
          AND count(takt_s) FILTER (state <> 'running') = 0
        FROM car_states
        """
    )


def test_a_machine_of_the_line_does_one_order_at_a_time(plant):
    assert plant.sql(
        """
        SELECT station, max(at_once) FROM (
          SELECT station, sum(one) OVER (PARTITION BY station ORDER BY ts, one) AS at_once
          FROM (SELECT station, start_ts AS ts, 1 AS one FROM line_events UNION ALL SELECT station, end_ts, -1 FROM line_events)
        ) GROUP BY station ORDER BY station
        """
    ).fetchall() == [("Grind", 1), ("Harden", 2), ("Mill", 1), ("Saw", 1), ("Test", 1), ("Turn", 1)]


def test_the_line_is_held_up_by_milling_and_some_orders_are_late(value):
    assert value(
        """
        SELECT arg_max(station, work) = 'Mill' FROM (
          SELECT station, sum(date_diff('minute', start_ts, end_ts)) / CASE station WHEN 'Harden' THEN 2 ELSE 1 END AS work
          FROM line_events GROUP BY station)
        """
    )
    assert value("SELECT avg((end_ts > due)::INT) BETWEEN 0.05 AND 0.5 FROM line_events WHERE station = 'Test'")
    assert value("SELECT count(DISTINCT product) = 3 AND max(end_ts) < TIMESTAMP '2026-05-05' FROM line_events")
