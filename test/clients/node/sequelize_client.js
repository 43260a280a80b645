// Sequelize with pgvector-node: a model with a vector and its index, sync().
import assert from 'node:assert/strict';
import 'pgvector/sequelize';
import { DataTypes, Op, Sequelize } from 'sequelize';
import { cosineDistance } from 'pgvector/sequelize';

import { done, expectIndex, expectStored, packages, questions, search } from './common.js';

const { PGDATABASE, PGUSER, PGPASSWORD, PGHOST, PGPORT } = process.env;
let statements = [];
const connect = () => new Sequelize(PGDATABASE, PGUSER, PGPASSWORD, {
  dialect: 'postgres', host: PGHOST, port: PGPORT,
  logging: (statement) => statements.push(statement),
});
// Types are looked up once, with the first connection.
const migrate = connect();
await migrate.query('CREATE EXTENSION IF NOT EXISTS vector');
await migrate.close();

const sequelize = connect();
const Package = sequelize.define('Package', {
  id: { type: DataTypes.BIGINT, primaryKey: true },
  name: DataTypes.TEXT,
  section: DataTypes.TEXT,
  size: DataTypes.INTEGER,
  embedding: { type: DataTypes.VECTOR(384) },
}, {
  tableName: 'packages',
  timestamps: false,
  indexes: [
    { name: 'nearest', fields: ['embedding'], using: 'hnsw', operator: 'vector_cosine_ops' },
  ],
});
await Package.sync();
await Package.bulkCreate(packages.slice(1));
await Package.create(packages[0]);
await sequelize.query('ANALYZE packages');

const nearest = (q, where) => ({
  where, order: cosineDistance('embedding', q.embedding, sequelize), limit: 10,
});
const ids = (rows) => rows.map((row) => row.id);
await search(
  async (q) => ids(await Package.findAll(nearest(q))),
  async (q) => ids(await Package.findAll(
    nearest(q, { section: q.section, size: { [Op.lt]: q.below } }))),
);
statements = [];
await Package.findAll(nearest(questions[0]));
const [plan] = await sequelize.query(statements[0].replace(/^Executing \(default\): /, 'EXPLAIN '));
expectIndex(plan, 'nearest');

// What is in the catalogs is what the model says: sync() again changes nothing, and with
// alter the index stays.
const file = async () => (await sequelize.query("SELECT pg_relation_filenode('nearest')"))[0];
const before = await file();
const [index] = (await sequelize.getQueryInterface().showIndex('packages'))
  .filter(({ name }) => name === 'nearest');
assert.deepEqual(index.fields.map(({ attribute }) => attribute), ['embedding']);
statements = [];
await Package.sync();
assert.ok(statements.length > 0);
assert.ok(!statements.some((statement) => /CREATE INDEX|ALTER|DROP/.test(statement)),
  statements.join('\n'));
statements = [];
await Package.sync({ alter: true });
assert.ok(statements.some((statement) => /ALTER COLUMN "embedding" TYPE VECTOR\(384\)/
  .test(statement)), statements.join('\n'));
assert.ok(!statements.some((statement) => /(CREATE|DROP) INDEX/.test(statement)),
  statements.join('\n'));
assert.deepEqual(await file(), before);

const one = await Package.findByPk(packages[0].id);
expectStored(one.embedding);
one.embedding = packages[1].embedding;
await one.save();
await one.reload();
expectStored(one.embedding, packages[1].embedding);
await sequelize.close();
done('model with an index, sync, searches', 'sequelize', 'pgvector');
