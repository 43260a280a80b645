// MikroORM with pgvector-node: an entity with a vector and its index; the schema generator
// finds in the database what the entity says.
import assert from 'node:assert/strict';
import { defineEntity, MikroORM, p } from '@mikro-orm/postgresql';
import { cosineDistance, VectorType } from 'pgvector/mikro-orm';

import { done, expectIndex, expectStored, packages, questions, search } from './common.js';

const Package = defineEntity({
  name: 'Package',
  tableName: 'packages',
  properties: {
    id: p.integer().primary().autoincrement(false),
    name: p.text(),
    section: p.text(),
    size: p.integer(),
    embedding: p.type(VectorType).length(384),
  },
  indexes: [{
    name: 'nearest',
    expression: 'create index "nearest" on "packages" using hnsw ("embedding" vector_cosine_ops)',
  }],
});

const { PGDATABASE, PGUSER, PGPASSWORD, PGHOST, PGPORT } = process.env;
const orm = await MikroORM.init({
  host: PGHOST, port: Number(PGPORT), user: PGUSER, password: PGPASSWORD, dbName: PGDATABASE,
  entities: [Package],
});
const em = orm.em.fork();
await em.execute('CREATE EXTENSION IF NOT EXISTS vector');
await orm.schema.create();

for (const { id, name, section, size, embedding } of packages) {
  em.create(Package, { id, name, section, size, embedding });
}
await em.flush();
em.clear();
await em.execute('ANALYZE packages');

const nearest = (q) => em.createQueryBuilder(Package)
  .orderBy({ [cosineDistance('embedding', q.embedding)]: 'ASC' })
  .limit(10);
const ids = (rows) => rows.map((row) => row.id);
await search(
  async (q) => ids(await nearest(q).getResult()),
  async (q) => ids(await nearest(q).where({ section: q.section, size: { $lt: q.below } })
    .getResult()),
);
await search(
  async (q) => ids(await em.find(Package, {}, {
    orderBy: { [cosineDistance('embedding', q.embedding)]: 'ASC' }, limit: 10,
  })),
  async (q) => ids(await em.find(Package, { section: q.section, size: { $lt: q.below } }, {
    orderBy: { [cosineDistance('embedding', q.embedding)]: 'ASC' }, limit: 10,
  })),
);
expectIndex(await em.execute(`EXPLAIN ${nearest(questions[0]).getFormattedQuery()}`), 'nearest');

em.clear();
const one = await em.findOneOrFail(Package, packages[0].id);
expectStored(one.embedding);
one.embedding = packages[1].embedding;
await em.flush();
em.clear();
expectStored((await em.findOneOrFail(Package, packages[0].id)).embedding, packages[1].embedding);

assert.equal(await orm.schema.getUpdateSchemaSQL(), '');
await orm.close();
done('schema generator, entities, searches', '@mikro-orm/postgresql', 'pgvector');
