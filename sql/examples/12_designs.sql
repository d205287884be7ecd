-- title: New mixes of concrete, stronger and cheaper, that keep to the rules

-- What makes a mix strong?
SELECT feature, effect, finding FROM ml_drivers('SELECT * EXCLUDE (batch, cost) FROM mixes', target := 'strength') LIMIT 5;

-- What past mixes are like, column by column, and how strong a mix becomes.
FROM ml_pretrain('mix_designer', 'SELECT * EXCLUDE (batch) FROM mixes', objective := 'design',
  options := {'epochs': 40, 'width': 64, 'layers': 2, 'learning_rate': 0.005});
FROM ml_finetune('strength_model', 'SELECT * EXCLUDE (batch, cost) FROM mixes', target := 'strength',
  options := {'epochs': 20});

-- Mixes for line A that reach 60 MPa for sure, at today's prices for 65 EUR at most.
SELECT design, cement, slag, water, superplasticizer, age, predicted_strength, lower, cost, novelty, pareto_rank
FROM ml_generate('mix_designer', n := 12, given := {'line': 'A'}, guide := 'design_rules', score := 'strength_model',
  derive := {'cost': '0.108 * cement + 0.045 * slag + 0.9 * superplasticizer + 0.0105 * aggregate'},
  subject_to := ['strength >= 60', 'cost <= 65', 'age <= 56'], maximize := 'strength', minimize := 'cost');

-- What can't be had says why.
SELECT ml_status, ml_reason
FROM ml_generate('mix_designer', guide := 'design_rules', subject_to := ['cement + slag >= 900']);

-- Or from mixes that there are: what to change in weak ones, so that they reach 50 MPa at the least cost.
SELECT batch, suggestion, why, gain, ml_status
FROM ml_recommend('strength_model', 'SELECT * FROM mixes WHERE age = 28 ORDER BY strength LIMIT 2',
  goal := 'strength >= 50', minimize := '0.108 * cement + 0.045 * slag + 0.9 * superplasticizer',
  adjust := ['cement', 'slag', 'water', 'superplasticizer'], k := 2,
  subject_to := ['water / (cement + slag) between 0.3 and 0.65'], options := {'trials': 2000});
