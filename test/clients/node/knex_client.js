// Knex with pgvector-node: schema builder, distances in its query builder.
import assert from 'node:assert/strict';
import knexLibrary from 'knex';
import pgvector from 'pgvector/knex';

import { done, expectIndex, expectStored, packages, questions, search } from './common.js';

const knex = knexLibrary({ client: 'pg', connection: {} });
await knex.schema.createExtensionIfNotExists('vector');
await knex.schema.createTable('packages', (table) => {
  table.bigInteger('id').primary();
  table.text('name');
  table.text('section');
  table.integer('size');
  table.vector('embedding', 384);
});
await knex.batchInsert('packages', packages.map(({ id, name, section, size, embedding }) => (
  { id, name, section, size, embedding: pgvector.toSql(embedding) })), 500);
await knex.schema.alterTable('packages', (table) => {
  table.index([knex.raw('embedding vector_cosine_ops')], 'nearest', 'hnsw');
});
await knex.raw('ANALYZE packages');

const nearest = (q) => knex('packages').orderBy(knex.cosineDistance('embedding', q.embedding))
  .limit(10);
await search(
  (q) => nearest(q).pluck('id'),
  (q) => nearest(q).where('section', q.section).andWhere('size', '<', q.below).pluck('id'),
);
const { sql, bindings } = nearest(questions[0]).select('id').toSQL();
expectIndex((await knex.raw(`EXPLAIN ${sql}`, bindings)).rows, 'nearest');

const near = await knex('packages')
  .where(knex.cosineDistance('embedding', packages[0].embedding), '<', 0.001).pluck('id');
assert.ok(near.map(Number).includes(packages[0].id), `not near itself: ${near}`);
const stored = await knex('packages').where('id', packages[0].id).first('embedding');
expectStored(pgvector.fromSql(stored.embedding));
await knex.destroy();
done('schema builder, batches, searches', 'knex', 'pgvector');
