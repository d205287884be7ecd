-- summary: Reads a version that ml_export wrote, here or on another plant; its weights are checked first.
-- model: name it gets here
-- file: path of the file to read
-- columns: model, version, file, bytes
-- example: FROM ml_import('press_failure', 'press_failure.safetensors')
CREATE OR REPLACE MACRO ml_import(model, file) AS TABLE
  FROM query(_ml_plan('import', {'model': model, 'file': file}));
