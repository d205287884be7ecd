-- summary: Writes a version to one safetensors file: weights and manifest.
-- model: 'm', 'm@3' or 'm@candidate'
-- file: path of the file to write
-- overwrite: TRUE replaces an existing file
-- columns: model, version, file, bytes
-- example: FROM ml_export('press_failure', 'press_failure.safetensors')
CREATE OR REPLACE MACRO ml_export(model, file, overwrite := NULL) AS TABLE
  FROM query(_ml_plan('export', {'model': model, 'file': file, 'overwrite': overwrite}));
