import pg from 'pg';
import pgvector from 'pgvector/pg';

const client = new pg.Client(); // PGHOST, PGDATABASE, ... tell where
await client.connect();
await client.query('CREATE EXTENSION IF NOT EXISTS vecdb');
await pgvector.registerTypes(client);

await client.query('CREATE TABLE items (id bigint PRIMARY KEY, category text, embedding vector(3))');
await client.query('CREATE INDEX ON items USING hnsw (embedding vector_cosine_ops, category)');
const items = [[1, 'fruit', [1, 2, 3]], [2, 'fruit', [4, 5, 6]], [3, 'tool', [1, 1, 1]]];
for (const [id, category, embedding] of items) {
  await client.query('INSERT INTO items VALUES ($1, $2, $3)',
    [id, category, pgvector.toSql(embedding)]);
}

const { rows } = await client.query(
  'SELECT id FROM items WHERE category = $1 ORDER BY embedding <=> $2 LIMIT 5',
  ['fruit', pgvector.toSql([1, 2, 2])]);
for (const row of rows) {
  console.log(row.id);
}
await client.end();
