-- summary: New designs, such as recipes or settings, that hold what is asked of them: said by a model of past designs, mended until all conditions hold, scored by other models, and chosen unlike one another.
-- model: a model of designs, of ml_pretrain(objective := 'design'): 'm', 'm@3' or 'm@candidate'
-- n: how many designs; fewer come where there are not so many, and ml_reason says why; default 100
-- subject_to: a list of conditions on the design's columns, on scored targets and on what derive computes: ['strength >= 60', 'water / cement between 0.3 and 0.6', 'line in (''A'', ''B'')']
-- guide: a source of rules with the columns expression (a condition) and reason, which is told where a rule can hardly be met
-- given: columns that are fixed, as {'line': 'A'}; the others follow them; NULL: is missing
-- score: a fine-tuned model, or a list, whose predictions are added; conditions on its target have to hold at the cautious end of its interval
-- maximize: columns, targets or computed columns that are to be high: the search goes there, and pareto_rank ranks by them
-- minimize: those that are to be low
-- derive: columns computed of others, which conditions may name, as {'cost': '0.11 * cement + 0.05 * slag'}; models in score are asked about what is computed
-- level: share of designs whose true value lies within the interval of a scored target; default 0.9
-- options: {'temperature': 1.0, 'top_p': 1.0, 'seed': 0, 'most_tries': 20000, 'copies': false, 'outcomes': ['strength']}: below 1 designs are more usual; how many drafts are judged at most; whether copies of past designs, and twins, stay; columns that come of a design and make it no other one, beside targets in score and what is derived
-- columns: design (its number), the columns of the designs, predicted_<target>, lower and upper (of classes probability; of several models lower_<target>, upper_<target> and probability_<target>), the wider the less a design is like those learnt from, those of derive, likelihood (mean log-likelihood of a column), novelty (distance to the nearest past design: 1 is a deviation in every column), nearest (that design), diversity (distance to the nearest other one here), pareto_rank, is_duplicate, ml_status (infeasible: the only row, and ml_reason says what is proven not to hold; not_found: the only row, and how near the search came), ml_reason
-- example: FROM ml_generate('mix_designer', n := 50, subject_to := ['strength >= 60', 'cost <= 65'], guide := 'design_rules', given := {'line': 'A'})
CREATE OR REPLACE MACRO ml_generate(model, n := NULL, subject_to := NULL, guide := NULL, given := NULL, score := NULL, maximize := NULL, minimize := NULL, derive := NULL, level := NULL, options := NULL) AS TABLE
  FROM query(_ml_plan('generate', {'model': model, 'n': n, 'subject_to': subject_to, 'guide': guide, 'given': given, 'score': score, 'maximize': maximize, 'minimize': minimize, 'derive': derive, 'level': level, 'options': options,
    'place': [current_database(), current_schema()]}));
