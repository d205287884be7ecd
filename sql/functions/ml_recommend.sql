-- summary: How inputs are to be set so that a goal is reached: for each row up to k suggestions, judged by the cautious end of what the model predicts.
-- model: a model of task 'classification', 'regression' or 'rul', or a list of such, each with its own target; of one that reads histories the newest row of each is adjusted
-- source: a table, view, file or SELECT text of rows to improve, with all columns that the model reads
-- adjust: columns that may be set: a list, or a struct that says more of each: {'water': [140, 190], 'line': ['A', 'B'], 'cement': {'low': 200, 'high': 400, 'step': 5}}; a column may always stay as it is
-- maximize: a target, "quality = 'good'" for the probability of a class, an expression of columns, or a list of these
-- minimize: the same, of what is to be low
-- goal: conditions on targets to reach, as 'strength >= 60', or a struct by target: {'strength': 'maximize', 'slump': 'between 120 and 180'}
-- subject_to: conditions that have to hold, as ['cost <= 62', 'water between 140 and 190', 'cement + slag = 400']; of a target its cautious end counts, of a class its probability
-- derive: columns that follow from adjusted ones, as {'cost': '0.12 * cement + 0.01 * water'}; where the model reads such a column, it is asked about what follows
-- costs: what changing a column by one costs, or a category at all, as {'cement': 0.12, 'line': 40}
-- k: suggestions for each row, at most; default 3
-- level: of the interval whose cautious end counts, and the probability that a condition on a class asks for; default 0.9
-- options: {'beyond': true} lets values leave the range that was learnt from, {'most_changes': 2}, {'trials': 6000} for each row, {'seed': 0}
-- columns: the source's with adjusted values, derived ones, suggestion (from 1; NULL where there is none), current_<target>, predicted_<target>, lower and upper (wider where the row is unlike those learnt from), of classes current_probability and probability (of several models lower_<target> and so on), pareto_rank (of several objectives), gain (more is better: of the first objective, or of the first goal where goals do not hold yet; of predictions the cautious end against what is predicted now), change_cost, changes, why, ml_status (ok, uncertain, nothing_better, beyond_reach, infeasible, not_found, or as of ml_predict), ml_reason
-- example: FROM ml_recommend('strength', 'SELECT * FROM mixes WHERE batch = 812', maximize := 'strength', adjust := ['water', 'cement'], subject_to := ['water between 140 and 190'])
CREATE OR REPLACE MACRO ml_recommend(model, source, adjust := NULL, maximize := NULL, minimize := NULL, goal := NULL, subject_to := NULL, derive := NULL, costs := NULL, k := NULL, level := NULL, options := NULL) AS TABLE
  FROM query(_ml_plan('recommend', {'model': model, 'source': source, 'adjust': adjust, 'maximize': maximize, 'minimize': minimize, 'goal': goal, 'subject_to': subject_to, 'derive': derive, 'costs': costs, 'k': k, 'level': level, 'options': options,
    'place': [current_database(), current_schema()]}));
