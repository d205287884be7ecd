-- summary: Removes the helpers: what stays are the tables that a real plant could have.

DROP TABLE plant_words;
DROP TABLE plant_notes;
DROP TABLE plant_hours;
DROP TABLE plant_lives;
DROP TABLE plant_stops;
DROP TABLE plant_plates;
DROP TABLE plant_remarks;
DROP TABLE plant_pictures;
DROP TABLE plant_photos;
DROP TABLE plant_stations;
DROP TABLE plant_faults;

DROP MACRO TABLE plant_labelled;
DROP MACRO TABLE plant_car_labelled;
DROP MACRO plant_marked;
DROP MACRO plant_bitmap;
DROP MACRO plant_defect;
DROP MACRO plant_line;
DROP MACRO plant_clamp;
DROP MACRO plant_choice;
DROP MACRO plant_chance;
DROP MACRO plant_normal;
DROP MACRO plant_uniform;
DROP MACRO plant_seed;
DROP MACRO plant_now;
DROP MACRO plant_start;
