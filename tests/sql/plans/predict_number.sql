SELECT COLUMNS(lambda c: lower(c) NOT IN ('predicted_wear', 'lower', 'upper', 'ml_status', 'ml_reason', '__ml')), __ml.value AS "predicted_wear", __ml.lower AS "lower", __ml.upper AS "upper", __ml.ml_status AS "ml_status", __ml.ml_reason AS "ml_reason" FROM (SELECT COLUMNS(lambda c: lower(c) <> '__ml'), _ml_score_value({'wear@1': {'torque': "source of wear@1"."torque", 'temp': "source of wear@1"."temp", 'shift': "source of wear@1"."shift", 'hot': "source of wear@1"."hot"}}, 0.8) AS __ml FROM (
SELECT * FROM parts WHERE hot
) AS "source of wear@1")
