#!/usr/bin/env node
// Prisma's schema engine as Prisma's command runs it, a program that is asked with JSON
// lines, out of its build for WebAssembly: npm has only that one, and its programs are
// elsewhere.
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { PrismaPg } from '@prisma/adapter-pg';
import { bindMigrationAwareSqlAdapterFactory, ColumnTypeEnum } from '@prisma/driver-adapter-utils';
import { SchemaEngine } from '@prisma/schema-engine-wasm';
import pg from 'pg';

// The adapter does not know the type "char", which catalogs have.
class Adapter extends PrismaPg {
  async connect() {
    const connection = await super.connect();
    const performIO = connection.performIO.bind(connection);
    const queryRaw = connection.queryRaw.bind(connection);
    let chars;
    connection.performIO = async (query) => {
      const result = await performIO(query);
      chars = result.fields.filter((field) => field.dataTypeID === pg.types.builtins.CHAR);
      for (const field of chars) field.dataTypeID = pg.types.builtins.BPCHAR;
      return result;
    };
    connection.queryRaw = async (query) => {
      const result = await queryRaw(query);
      for (const { name } of chars) {
        result.columnTypes[result.columnNames.indexOf(name)] = ColumnTypeEnum.Character;
      }
      return result;
    };
    return connection;
  }
}

globalThis.PRISMA_WASM_PANIC_REGISTRY = { set_message: (message) => console.error(message) };

const { values, positionals } = parseArgs({
  allowPositionals: true,
  strict: false,
  options: {
    datasource: { type: 'string' },
    datamodels: { type: 'string', multiple: true },
    'enabled-preview-features': { type: 'string' },
    'extension-types': { type: 'string' },
  },
});
const url = values.datasource ? JSON.parse(values.datasource).url : process.env.DATABASE_URL;
const adapter = new Adapter({ connectionString: url });
const engine = await SchemaEngine.new(
  { datamodels: values.datamodels?.map((path) => [path, readFileSync(path, 'utf8')]) },
  () => {},
  bindMigrationAwareSqlAdapterFactory(adapter),
);
if (positionals[0] === 'cli') {
  await engine.version();
  process.exit(0);
}

const say = (message) => console.log(JSON.stringify({ jsonrpc: '2.0', ...message }));
for await (const line of createInterface({ input: process.stdin })) {
  const { id, method, params } = JSON.parse(line);
  if (!method) continue; // an answer to "print"
  try {
    let result = method === 'getDatabaseVersion' ? await engine.version()
      : await engine[method](params);
    if (method === 'diff') {
      say({ id: 0, method: 'print', params: { content: result.stdout } });
      result = { exitCode: result.exitCode };
    }
    say({ id, result: result ?? {} });
  } catch (error) {
    say({ id, error: { code: -32603, message: String(error), data: { message: String(error) } } });
  }
}
process.exit(0);
