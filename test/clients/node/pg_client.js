// node-postgres with pgvector-node: registered types, a pool, prepared statements.
import pg from 'pg';
import pgvector from 'pgvector/pg';

import { done, expectIndex, expectStored, packages, questions, search } from './common.js';

const setup = new pg.Client();
await setup.connect();
await setup.query('CREATE EXTENSION IF NOT EXISTS vector');
await setup.end();

const pool = new pg.Pool({
  onConnect: async (client) => await pgvector.registerTypes(client),
});
await pool.query('CREATE TABLE packages (id bigint PRIMARY KEY, name text, section text,'
  + ' size int, embedding vector(384))');
const client = await pool.connect();
await client.query('BEGIN');
for (const p of packages) {
  await client.query({
    name: 'insert',
    text: 'INSERT INTO packages VALUES ($1, $2, $3, $4, $5)',
    values: [p.id, p.name, p.section, p.size, pgvector.toSql(p.embedding)],
  });
}
await client.query('COMMIT');
client.release();
await pool.query('CREATE INDEX nearest ON packages USING hnsw (embedding vector_cosine_ops)'
  + ' WITH (m = 16, ef_construction = 64)');
await pool.query('ANALYZE packages');

const plain = 'SELECT id FROM packages ORDER BY embedding <=> $1 LIMIT 10';
const filtered = 'SELECT id FROM packages WHERE section = $2 AND size < $3'
  + ' ORDER BY embedding <=> $1 LIMIT 10';
const ids = ({ rows }) => rows.map((row) => row.id);
await search(
  async (q) => ids(await pool.query(plain, [pgvector.toSql(q.embedding)])),
  async (q) => ids(await pool.query(filtered,
    [pgvector.toSql(q.embedding), q.section, q.below])),
);
// Prepared once, so that PostgreSQL plans it once for all, and asked at the same time
// by several connections.
await Promise.all([1, 2, 3].map(() => search(
  async (q) => ids(await pool.query({
    name: 'plain', text: plain, values: [pgvector.toSql(q.embedding)],
  })),
  async (q) => ids(await pool.query({
    name: 'filtered', text: filtered, values: [pgvector.toSql(q.embedding), q.section, q.below],
  })),
)));
expectIndex((await pool.query(`EXPLAIN ${plain}`, [pgvector.toSql(questions[0].embedding)])).rows,
  'nearest');

const stored = await pool.query('SELECT embedding FROM packages WHERE id = $1', [packages[0].id]);
expectStored(stored.rows[0].embedding);
await pool.end();
done('registered types, a pool, prepared statements', 'pg', 'pgvector');
