// Drizzle's own vector types and indexes: a migration that drizzle-kit writes, searches,
// and drizzle-kit again, which finds in the database what the schema says.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { and, cosineDistance, eq, hammingDistance, lt, sql } from 'drizzle-orm';
import { drizzle } from 'drizzle-orm/node-postgres';
import { migrate } from 'drizzle-orm/node-postgres/migrator';
import pg from 'pg';
import { SparseVector } from 'pgvector';

import { done, expectIndex, expectStored, packages, questions, search } from './common.js';
import { packagesTable as table } from './drizzle_schema.js';

const kit = (...args) => execFileSync('drizzle-kit', args, { encoding: 'utf8' });

const pool = new pg.Pool();
const db = drizzle({ client: pool });
await db.execute(sql`CREATE EXTENSION IF NOT EXISTS vector`);
kit('generate');
await migrate(db, { migrationsFolder: 'drizzle' });

const bits = (embedding) => embedding.map((x) => (x > 0 ? 1 : 0)).join('');
await db.insert(table).values(packages.map(({ id, name, section, size, embedding }) => ({
  id, name, section, size, embedding, half: embedding, bits: bits(embedding),
  sparse: new SparseVector(embedding).toString(),
})));
await db.execute(sql`ANALYZE packages`);

const nearest = (q, where, column = table.embedding) => db.select({ id: table.id }).from(table)
  .where(where).orderBy(cosineDistance(column, q.embedding)).limit(10);
const ids = (rows) => rows.map((row) => row.id);
for (const column of [table.embedding, table.half]) {
  await search(
    async (q) => ids(await nearest(q, undefined, column)),
    async (q) => ids(await nearest(q, and(eq(table.section, q.section), lt(table.size, q.below)),
      column)),
  );
}
const explain = async (query) => (await db.execute(sql`EXPLAIN ${query.getSQL()}`)).rows;
expectIndex(await explain(nearest(questions[0])), 'nearest');
expectIndex(await explain(nearest(questions[0], undefined, table.half)), 'nearest_half');

const first = packages[0];
const [one] = await db.select().from(table).where(eq(table.id, first.id));
expectStored(one.embedding);
assert.ok(one.half.every((x, i) => Math.abs(x - first.embedding[i]) < 1e-3));
assert.equal(one.bits, bits(first.embedding));
expectStored(new SparseVector(one.sparse).toArray());
const [same] = await db.select({ id: table.id }).from(table)
  .orderBy(hammingDistance(table.bits, bits(first.embedding))).limit(1);
assert.equal(same.id, first.id);
await pool.end();

assert.match(kit('push'), /No changes detected/);
const { PGDATABASE, PGUSER, PGPASSWORD, PGHOST, PGPORT } = process.env;
kit('pull', '--dialect=postgresql', '--out=pulled',
  `--url=postgres://${PGUSER}:${PGPASSWORD}@${PGHOST}:${PGPORT}/${PGDATABASE}`);
const pulled = readFileSync('pulled/schema.ts', 'utf8');
assert.match(pulled, /vector\(\{ dimensions: 384 \}\)/);
assert.match(pulled, /index\("nearest"\)\.using\("hnsw", [^\n]*\.op\("vector_cosine_ops"\)\)/);
done('drizzle-kit generate, migrate, push, pull; vector, halfvec, bit and sparsevec columns,'
  + ' searches', 'drizzle-orm', 'drizzle-kit', 'pg', 'pgvector');
