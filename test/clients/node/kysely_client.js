// Kysely with pgvector-node: schema builder, distances in its query builder, introspection.
import assert from 'node:assert/strict';
import { Kysely, PostgresDialect, sql } from 'kysely';
import pg from 'pg';
import pgvector, { cosineDistance } from 'pgvector/kysely';

import { done, expectIndex, expectStored, packages, questions, search } from './common.js';

const db = new Kysely({ dialect: new PostgresDialect({ pool: new pg.Pool() }) });
await sql`CREATE EXTENSION IF NOT EXISTS vector`.execute(db);
await db.schema.createTable('packages')
  .addColumn('id', 'bigint', (column) => column.primaryKey())
  .addColumn('name', 'text')
  .addColumn('section', 'text')
  .addColumn('size', 'integer')
  .addColumn('embedding', sql`vector(384)`)
  .execute();
await db.insertInto('packages').values(packages.map(({ id, name, section, size, embedding }) => (
  { id, name, section, size, embedding: pgvector.toSql(embedding) }))).execute();
await db.schema.createIndex('nearest')
  .on('packages')
  .using('hnsw')
  .expression(sql`embedding vector_cosine_ops`)
  .execute();
await sql`ANALYZE packages`.execute(db);

const nearest = (q) => db.selectFrom('packages').select('id')
  .orderBy(cosineDistance('embedding', q.embedding)).limit(10);
await search(
  async (q) => (await nearest(q).execute()).map((row) => row.id),
  async (q) => (await nearest(q).where('section', '=', q.section).where('size', '<', q.below)
    .execute()).map((row) => row.id),
);
expectIndex(await nearest(questions[0]).explain(), 'nearest');

const near = await db.selectFrom('packages').select('id')
  .where(cosineDistance('embedding', packages[0].embedding), '<', 0.001).execute();
assert.ok(near.some((row) => Number(row.id) === packages[0].id), 'not near itself');
const [table] = await db.introspection.getTables();
assert.equal(table.columns.find((column) => column.name === 'embedding').dataType, 'vector');
const stored = await db.selectFrom('packages').select('embedding')
  .where('id', '=', packages[0].id).executeTakeFirstOrThrow();
expectStored(pgvector.fromSql(stored.embedding));
await db.destroy();
done('schema builder, searches, introspection', 'kysely', 'pg', 'pgvector');
