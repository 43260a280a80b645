// Prisma with its driver adapter and pgvector-node: migrations, searches, and the database
// introspected.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { PrismaPg } from '@prisma/adapter-pg';
import pgvector from 'pgvector';

import { done, expectIndex, expectStored, packages, questions, search } from './common.js';

const { PGDATABASE, PGUSER, PGPASSWORD, PGHOST, PGPORT } = process.env;
const connectionString = `postgresql://${PGUSER}:${PGPASSWORD}@${PGHOST}:${PGPORT}/${PGDATABASE}`;
const command = (...args) => execFileSync('prisma', args, {
  encoding: 'utf8',
  env: {
    ...process.env,
    DATABASE_URL: connectionString,
    PRISMA_SCHEMA_ENGINE_BINARY: `${import.meta.dirname}/prisma_schema_engine.js`,
    CHECKPOINT_DISABLE: '1',
  },
});

command('generate');
assert.match(command('migrate', 'deploy'), /20260101000000_packages/);

const { Prisma, PrismaClient } = await import('./generated/client.ts');
const prisma = new PrismaClient({ adapter: new PrismaPg({ connectionString }) });
const rows = packages.map(({ id, name, section, size, embedding }) => (
  Prisma.sql`(${id}, ${name}, ${section}, ${size}, ${pgvector.toSql(embedding)}::vector)`));
await prisma.$executeRaw`INSERT INTO packages (id, name, section, size, embedding)
  VALUES ${Prisma.join(rows)}`;
await prisma.$executeRaw`ANALYZE packages`;
assert.equal(await prisma.package.count(), packages.length);

const ids = (rows) => rows.map((row) => row.id);
await search(
  async (q) => ids(await prisma.$queryRaw`SELECT id FROM packages
    ORDER BY embedding <=> ${pgvector.toSql(q.embedding)}::vector LIMIT 10`),
  async (q) => ids(await prisma.$queryRaw`SELECT id FROM packages
    WHERE section = ${q.section} AND size < ${q.below}
    ORDER BY embedding <=> ${pgvector.toSql(q.embedding)}::vector LIMIT 10`),
);
expectIndex(await prisma.$queryRaw`EXPLAIN SELECT id FROM packages
  ORDER BY embedding <=> ${pgvector.toSql(questions[0].embedding)}::vector LIMIT 10`, 'nearest');

const first = packages[0];
const [one] = await prisma.$queryRaw`SELECT embedding::text FROM packages WHERE id = ${first.id}`;
expectStored(pgvector.fromSql(one.embedding));
// Without a cast, the adapter takes a type it does not know as text.
const [same] = await prisma.$queryRaw`SELECT embedding FROM packages WHERE id = ${first.id}`;
assert.equal(same.embedding, one.embedding);
assert.equal((await prisma.package.findUniqueOrThrow({ where: { id: first.id } })).name,
  first.name);
await prisma.$disconnect();

// Nothing to change in the database: the schema says what is there.
assert.match(command('migrate', 'diff', '--from-config-datasource',
  '--to-schema=prisma/schema.prisma', '--exit-code'), /No difference detected/);
done('generate, migrate deploy, migrate diff (schema engine in WebAssembly), $queryRaw',
  'prisma', '@prisma/adapter-pg', 'pgvector');
