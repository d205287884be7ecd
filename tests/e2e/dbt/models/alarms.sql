SELECT unit, count(*) AS alarms, max(probability) AS worst FROM {{ ref('risk') }} WHERE predicted_failed GROUP BY unit
