-- summary: All about a model as one self-contained HTML page, or why its runs failed.
-- model: 'm', 'm@3' or 'm@candidate'
-- columns: VARCHAR
-- example: SELECT ml_report('press_failure')
CREATE OR REPLACE MACRO ml_report(model) AS _ml_report(coalesce(try(_ml_pin(model)), model));
