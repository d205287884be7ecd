// node-postgres against the server that the environment names (libpq's variables); prints what it got as one JSON.
const { Client, Pool, types } = require(process.env.NODE_PG);

async function failure(work) {
  try {
    await work();
  } catch (error) {
    return { code: error.code, message: error.message, hint: error.hint, position: error.position };
  }
}

async function main() {
  types.setTypeParser(1114, (text) => text);
  const client = new Client({ ssl: { rejectUnauthorized: false } });
  await client.connect();
  const told = {};
  const ask = async (name, ...query) => { told[name] = (await client.query(...query)).rows; };

  await ask('parameters', 'SELECT id, label, moment FROM many WHERE id = $1 AND label = $2 AND odd = $3', [7, 'row 7', true]);
  await ask('many', 'SELECT id, x, label FROM many ORDER BY id');
  await ask('types', 'SELECT * EXCLUDE (c_interval) FROM everything ORDER BY id');
  for (const n of [1, 2, 3]) {
    await ask(`named${n}`, { name: 'below', text: 'SELECT id FROM many WHERE id < $1 ORDER BY id', values: [n] });
  }
  await ask('arrays', 'SELECT $1::INTEGER[] AS numbers, $2::VARCHAR[] AS texts, $3::JSON AS document', [[1, null], ['a"b', 'c,d', null], { k: [1] }]);
  await client.query('CREATE TABLE node_kept (i INTEGER, t VARCHAR, b BLOB, d TIMESTAMPTZ, j JSON)');
  await ask('returned', 'INSERT INTO node_kept VALUES ($1, $2, $3, $4, $5) RETURNING *',
    [1, "it's 设备", Buffer.from([0, 255]), new Date('2026-01-02T03:04:05Z'), JSON.stringify({ a: null })]);
  told.returned = told.returned.map((row) => ({ ...row, b: [...row.b], d: row.d.toISOString() }));
  told.several = (await client.query('SELECT 1 AS a; SELECT 2 AS a')).map((result) => result.rows);
  await ask('literal', "SELECT {'a': 1, 'b': [1, 2]} AS s, $1::VARCHAR AS v", ['x']);
  await ask('risk', process.env.LIKELY.replace('0.2', '$1'), [0.2]);
  told.missing = await failure(() => client.query('SELECT nope FROM many'));
  told.taken = await failure(() => client.query("INSERT INTO machines (id, name) VALUES ($1, 'x')", [1]));
  await client.query('BEGIN');
  await client.query('INSERT INTO node_kept (i) VALUES (2)');
  await client.query('ROLLBACK');
  await ask('count', 'SELECT count(*)::INTEGER AS n FROM node_kept');
  await client.end();

  const pool = new Pool({ ssl: { rejectUnauthorized: false }, max: 4 });
  const answers = await Promise.all([...Array(12).keys()].map((n) => pool.query('SELECT $1::INTEGER AS n', [n])));
  told.pool = answers.map((answer) => answer.rows[0].n);
  await pool.end();
  console.log(JSON.stringify(told));
}

main().catch((error) => { console.error(error); process.exit(1); });
