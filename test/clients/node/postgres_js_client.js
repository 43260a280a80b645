// Postgres.js with pgvector-node: inserts of many rows, parameters without a type.
import pgvector from 'pgvector';
import postgres from 'postgres';

import { done, expectIndex, expectStored, packages, questions, search } from './common.js';

const sql = postgres({ onnotice: () => {} });
await sql`CREATE EXTENSION IF NOT EXISTS vector`;
await sql`CREATE TABLE packages (id bigint PRIMARY KEY, name text, section text, size int,
    embedding vector(384))`;
await sql`INSERT INTO packages ${sql(packages.map(
  (p) => ({ ...p, embedding: pgvector.toSql(p.embedding) })),
'id', 'name', 'section', 'size', 'embedding')}`;
await sql`CREATE INDEX nearest ON packages USING hnsw (embedding vector_cosine_ops)`;
await sql`ANALYZE packages`;

await search(
  async (q) => (await sql`SELECT id FROM packages
    ORDER BY embedding <=> ${pgvector.toSql(q.embedding)} LIMIT 10`).map((row) => row.id),
  async (q) => (await sql`SELECT id FROM packages
    WHERE section = ${q.section} AND size < ${q.below}
    ORDER BY embedding <=> ${pgvector.toSql(q.embedding)} LIMIT 10`).map((row) => row.id),
);
expectIndex(await sql`EXPLAIN SELECT id FROM packages
  ORDER BY embedding <=> ${pgvector.toSql(questions[0].embedding)} LIMIT 10`, 'nearest');

const [{ embedding }] = await sql`SELECT embedding FROM packages WHERE id = ${packages[0].id}`;
expectStored(pgvector.fromSql(embedding));
await sql.end();
done('inserts of many rows, searches', 'postgres', 'pgvector');
