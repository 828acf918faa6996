// Validates an AsyncAPI document: node asyncapi.mjs FILE DIRECTORY_OF_NODE_MODULES
import { createRequire } from 'node:module';

const [file, modules] = process.argv.slice(2);
const { Parser, fromFile } = createRequire(`${modules}/`)('@asyncapi/parser');
const { document, diagnostics } = await fromFile(new Parser(), file).parse();
// Severity 0 is an error and 1 a warning. 2 and 3 are advice, such as an available newer version.
const faults = diagnostics.filter((diagnostic) => diagnostic.severity <= 1);
for (const fault of faults) {
  console.error(`${fault.path.join('.')}: ${fault.message}`);
}
process.exit(document && faults.length === 0 ? 0 : 1);
