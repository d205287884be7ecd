-- summary: Turns one text or picture into a vector of length one: ml_embed(model, value), in any expression.
-- model: a model that reads texts or pictures, or a base of such
-- value: the text, or the picture as a BLOB
-- columns: FLOAT[]
-- example: SELECT list_cosine_similarity(ml_embed('notes', 'oil on the floor'), ml_embed('notes', 'leakage'))
CREATE OR REPLACE MACRO ml_embed(model, value) AS _ml_embed_value(_ml_pin(model), value);
