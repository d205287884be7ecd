{{ config(materialized='incremental', unique_key='id') }}
SELECT id, ts, probability, ml_status FROM ml_predict('fail', 'parts')
{% if is_incremental() %} WHERE ts > (SELECT max(ts) FROM {{ this }}) {% endif %}
