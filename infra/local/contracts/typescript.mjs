// Writes the types of a schema, which is read from the standard input: node typescript.mjs DIRECTORY_OF_NODE_MODULES
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

const { compile } = createRequire(`${process.argv[2]}/`)('json-schema-to-typescript');
const schema = JSON.parse(readFileSync(0, 'utf8'));
const options = { bannerComment: '', unreachableDefinitions: false, style: { printWidth: 120, singleQuote: true } };
process.stdout.write(await compile(schema, 'Contract', options));
