{{ config(materialized='view') }}
SELECT * FROM ml_predict('fail', 'parts')
